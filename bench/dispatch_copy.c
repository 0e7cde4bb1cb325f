/* Bytes to the device and back, against memcpy() between two blocks of the same size. What goes through an image is copied
 * twice: the host cannot write its texels, which lie as the device likes. */
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"

#define BYTES (8u << 20)
#define LIMIT 0.9

#define WIDTH 2048u
#define TEXEL_BYTES 4u

enum { TO_BUFFER, FROM_BUFFER, TO_STREAM, FROM_STREAM, TO_IMAGE, FROM_IMAGE, WAYS };

static const char *const names[] = {
	[TO_BUFFER] = "8 MiB kiln_buffer_write",
	[FROM_BUFFER] = "8 MiB kiln_buffer_read",
	[TO_STREAM] = "8 MiB kiln_stream_upload + wait",
	[FROM_STREAM] = "8 MiB kiln_stream_download + wait",
	[TO_IMAGE] = "8 MiB kiln_image_write + wait",
	[FROM_IMAGE] = "8 MiB kiln_image_read",
};

struct targets {
	struct kiln_buffer *buffer;
	struct kiln_image *image;
};

static void copy(struct dispatch_kiln *kiln, int way, const struct targets *targets, void *host)
{
	struct kiln_buffer *buffer = targets->buffer;

	switch (way) {
	case TO_BUFFER: dispatch_try(kiln_buffer_write(buffer, 0, host, BYTES)); return;
	case FROM_BUFFER: dispatch_try(kiln_buffer_read(buffer, 0, host, BYTES)); return;
	case TO_STREAM: dispatch_try(kiln_stream_upload(kiln->stream, buffer, 0, host, BYTES)); break;
	case FROM_STREAM: dispatch_try(kiln_stream_download(kiln->stream, buffer, 0, host, BYTES)); break;
	case TO_IMAGE:
		dispatch_try(kiln_image_write(targets->image, NULL, host, BYTES));
		dispatch_try(kiln_device_wait(kiln->device));
		return;
	case FROM_IMAGE: dispatch_try(kiln_image_read(targets->image, NULL, host, BYTES)); return;
	}
	dispatch_try(kiln_stream_wait(kiln->stream, KILN_WAIT_FOREVER));
}

void dispatch_part_copy(struct dispatch_report *report, struct dispatch_kiln *kiln)
{
	struct dispatch_line *lines[WAYS];
	struct targets targets = {0};
	unsigned char *host = malloc(BYTES), *other = malloc(BYTES);
	if (!host || !other)
		bench_die("out of memory");
	memset(host, 1, BYTES);
	memset(other, 2, BYTES);
	dispatch_try(kiln_buffer_create(kiln->device, &(struct kiln_buffer_params){.bytes = BYTES}, &targets.buffer));
	dispatch_try(kiln_image_create(kiln->device,
	                               &(struct kiln_image_params){.format = KILN_FORMAT_RGBA8,
	                                                           .width = WIDTH,
	                                                           .height = BYTES / TEXEL_BYTES / WIDTH},
	                               &targets.image));
	for (int way = 0; way < WAYS; way++) {
		lines[way] = dispatch_line(report, names[way], "us", true, way < TO_IMAGE ? LIMIT : 0, "raw median / ours");
		copy(kiln, way, &targets, host);
	}
	for (unsigned round = 0; round < (report->rounds + 3) / 4; round++)
		for (int way = 0; way < WAYS; way++) {
			uint64_t start = bench_now_ns();
			memcpy(other, host, BYTES);
			bench_add(&lines[way]->raw, dispatch_us(start));
			start = bench_now_ns();
			copy(kiln, way, &targets, host);
			bench_add(&lines[way]->ours, dispatch_us(start));
		}
	kiln_buffer_destroy(&targets.buffer);
	kiln_image_destroy(&targets.image);
	free(host);
	free(other);
}
