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
#define KILN_FIELD_BUCKET "bucket"
#define KILN_FIELD_ROUNDS "rounds"
#define KILN_FIELD_RATIO_DEFAULT "ratio_default"
#define KILN_FIELD_STATUS "status"
#define KILN_FIELD_BAD "bad"

/* Ratios are kept in ten thousandths, so that no locale and no rounding comes between memory and file. */
#define KILN_RATIO_UNIT 10000
#define KILN_RATIO_MAX 100000.0

#endif
