/* Images to and from host memory: in pieces of some rows, through the stream's staging buffers. */
#include "image.h"

#include <base/alloc.h>
#include <base/error.h>

#include "device.h"
#include "host_step.h"
#include "stream.h"

static const uint64_t PIECE_BYTES = UINT64_C(8) << 20;

/* ---- To the device ---- */

static enum kiln_status upload_piece(struct kiln_stream *stream, struct kiln_image *image,
                                     const struct kiln_image_part *whole, const struct kiln_image_part *piece,
                                     const void *data)
{
	uint64_t at, bytes = kiln_image_part_bytes(piece);
	struct kiln_buffer *staging;

	KILN_TRY(kiln_staging_room(stream, bytes, &staging, &at));
	kiln_image_gather(whole, piece, data, (unsigned char *)staging->memory.data + at);
	KILN_TRY(kiln_staging_fill(stream, at, bytes));
	return kiln_image_record_copy(stream, image, piece, staging, at, true);
}

enum kiln_status kiln_image_upload(struct kiln_stream *stream, struct kiln_image *image,
                                   const struct kiln_image_part *part, const void *data)
{
	struct kiln_staging_lane *lane = &stream->staging.upload;
	enum kiln_status status = KILN_OK;
	struct kiln_image_part piece;
	uint64_t next = 0;

	kiln_mutex_lock(&lane->lock);
	while (status == KILN_OK && kiln_image_piece(part, PIECE_BYTES, &next, &piece))
		status = upload_piece(stream, image, part, &piece, data);
	kiln_mutex_unlock(&lane->lock);
	if (status == KILN_OK && kiln_image_part_bytes(part) == image->info.bytes)
		kiln_contents_copied(&image->tracked, 0, image->tracked.bytes);
	return status;
}

/* ---- From the device ---- */

struct fetched {
	struct kiln_buffer *staging;
	struct kiln_image_part piece;
};

static enum kiln_status fetch(struct kiln_stream *stream, struct kiln_image *image, uint32_t turn,
                              const struct kiln_image_part *piece, struct fetched *out_fetched)
{
	out_fetched->piece = *piece;
	KILN_TRY(kiln_staging_readback(stream, turn, kiln_image_part_bytes(piece), &out_fetched->staging));
	return kiln_image_record_copy(stream, image, piece, out_fetched->staging, 0, false);
}

static enum kiln_status collect(const struct fetched *fetched, const struct kiln_image_part *whole,
                                void *out_data)
{
	struct kiln_buffer *staging = fetched->staging;

	KILN_TRY(kiln_stream_wait_buffer_device(staging, false));
	KILN_TRY(kiln_memory_invalidate(staging->device, &staging->memory, 0,
	                                kiln_image_part_bytes(&fetched->piece)));
	kiln_image_scatter(whole, &fetched->piece, staging->memory.data, out_data);
	return KILN_OK;
}

/* The next piece is enqueued before the host waits for this one. */
static enum kiln_status read_pieces(struct kiln_stream *stream, struct kiln_image *image,
                                    const struct kiln_image_part *whole, void *out_data)
{
	struct fetched now, then;
	struct kiln_image_part piece;
	uint64_t next = 0;
	uint32_t turn = 0;

	(void)kiln_image_piece(whole, PIECE_BYTES, &next, &piece);
	KILN_TRY(fetch(stream, image, turn, &piece, &now));
	while (kiln_image_piece(whole, PIECE_BYTES, &next, &piece)) {
		turn ^= 1;
		KILN_TRY(fetch(stream, image, turn, &piece, &then));
		KILN_TRY(collect(&now, whole, out_data));
		now = then;
	}
	return collect(&now, whole, out_data);
}

/* A download: the step of the host is part of it, so that dropping the one frees the other. */
struct download {
	struct kiln_host_step step;
	struct kiln_image_part part;
	void *out_data;
};

static void finish_download(void *user)
{
	struct download *download = user;
	struct kiln_buffer *staging = download->step.staging;
	uint64_t bytes = kiln_image_part_bytes(&download->part);

	if (kiln_memory_invalidate(staging->device, &staging->memory, 0, bytes) == KILN_OK)
		kiln_image_scatter(&download->part, &download->part, staging->memory.data,
		                   download->out_data);
}

/* Under the stream's lock: the step belongs to what is recorded now, or to what was submitted last. */
static void add_step(struct kiln_stream *stream, struct kiln_host_step *step)
{
	kiln_mutex_lock(&stream->lock);
	step->ticket = stream->recording ? stream->next_ticket : stream->next_ticket - 1;
	kiln_host_steps_add(&stream->steps, step);
	kiln_mutex_unlock(&stream->lock);
}

static enum kiln_status download(struct kiln_stream *stream, struct kiln_image *image,
                                 const struct kiln_image_part *part, void *out_data)
{
	struct download *download = kiln_alloc_zero(1, sizeof(*download));
	enum kiln_status status;

	if (!download)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory enqueuing. Fix: free memory and call again");
	download->step.call = finish_download;
	download->step.user = download;
	download->part = *part;
	download->out_data = out_data;
	status = kiln_buffer_new(stream->device, kiln_image_part_bytes(part), KILN_MEMORY_READBACK,
	                         "image download", &download->step.staging);
	if (status == KILN_OK)
		status = kiln_image_record_copy(stream, image, part, download->step.staging, 0, false);
	if (status == KILN_OK) {
		add_step(stream, &download->step);
		return KILN_OK;
	}
	if (download->step.staging)
		kiln_buffer_retire(download->step.staging);
	kiln_free(download);
	return status;
}

/* ---- From outside ---- */

static enum kiln_status check(const struct kiln_image *image, const char *call,
                              const struct kiln_image_region *region, const void *data, uint64_t bytes,
                              struct kiln_image_part *out_part)
{
	KILN_CHECK(image, "%s: the image is NULL. Fix: pass one that kiln_image_create() gave", call);
	KILN_TRY(kiln_device_check(image->tracked.device));
	KILN_CHECK(data, "%s: the data is NULL. Fix: pass where the texels are, or go", call);
	return kiln_image_part_of(&image->info, image->tracked.name, call, region, bytes, out_part);
}

static enum kiln_status check_stream(struct kiln_stream *stream, const struct kiln_image *image,
                                     const char *call)
{
	KILN_CHECK(stream, "%s: the stream is NULL. Fix: create one with kiln_stream_create()", call);
	KILN_TRY(kiln_device_check(stream->device));
	if (kiln_stream_graph(stream))
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"%s: stream '%s' is recording a graph, and graphs hold no transfers of images. Fix: call "
			"it before kiln_graph_begin() or after kiln_graph_end()",
			call, stream->name);
	if (image->tracked.device != stream->device)
		return kiln_error(
			KILN_ERR_FOREIGN_OBJECT,
			"%s: image \"%s\" belongs to another device than stream '%s'. Fix: create it on the "
			"stream's",
			call, image->tracked.name, stream->name);
	return KILN_OK;
}

enum kiln_status kiln_image_write(struct kiln_image *image, const struct kiln_image_region *region,
                                  const void *data, uint64_t bytes)
{
	struct kiln_image_part part;

	KILN_TRY(check(image, "kiln_image_write", region, data, bytes, &part));
	return kiln_image_upload(&image->tracked.device->stream, image, &part, data);
}

enum kiln_status kiln_image_read(struct kiln_image *image, const struct kiln_image_region *region,
                                 void *out_data, uint64_t bytes)
{
	struct kiln_staging_lane *lane;
	struct kiln_image_part part;
	struct kiln_stream *stream;
	enum kiln_status status;

	KILN_TRY(check(image, "kiln_image_read", region, out_data, bytes, &part));
	KILN_TRY(kiln_contents_check(&image->tracked, "kiln_image_read", 0, image->tracked.bytes));
	stream = &image->tracked.device->stream;
	lane = &stream->staging.readback;
	kiln_mutex_lock(&lane->lock);
	status = read_pieces(stream, image, &part, out_data);
	kiln_mutex_unlock(&lane->lock);
	return kiln_stream_waited(stream, status);
}

enum kiln_status kiln_stream_upload_image(struct kiln_stream *stream, struct kiln_image *image,
                                          const struct kiln_image_region *region, const void *data,
                                          uint64_t bytes)
{
	struct kiln_image_part part;

	KILN_TRY(check(image, "kiln_stream_upload_image", region, data, bytes, &part));
	KILN_TRY(check_stream(stream, image, "kiln_stream_upload_image"));
	return kiln_image_upload(stream, image, &part, data);
}

enum kiln_status kiln_stream_download_image(struct kiln_stream *stream, struct kiln_image *image,
                                            const struct kiln_image_region *region, void *out_data,
                                            uint64_t bytes)
{
	struct kiln_image_part part;

	KILN_TRY(check(image, "kiln_stream_download_image", region, out_data, bytes, &part));
	KILN_TRY(check_stream(stream, image, "kiln_stream_download_image"));
	KILN_TRY(kiln_contents_check(&image->tracked, "kiln_stream_download_image", 0, image->tracked.bytes));
	return download(stream, image, &part, out_data);
}
