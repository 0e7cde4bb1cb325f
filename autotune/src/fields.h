/* The names and bounds of the store's shape, as in FORMAT.md. */
#ifndef AUTOTUNE_FIELDS_H
#define AUTOTUNE_FIELDS_H

#define KILN_SCHEMA 1
#define KILN_SIZE_MAX ((int64_t)1 << 31)

#define KILN_FIELD_SCHEMA "schema"
#define KILN_FIELD_RECORD "record"
#define KILN_FIELD_KEY "key"
#define KILN_FIELD_ADAPTER "adapter"
#define KILN_FIELD_WORKGROUP_SIZE "workgroup_size"
#define KILN_FIELD_UNROLL "unroll"
#define KILN_FIELD_TILE "tile"
#define KILN_FIELD_RECORDED_AT "recorded_at"
#define KILN_FIELD_DRIVER "driver"

#endif
