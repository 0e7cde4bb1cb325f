/* Images and samplers as arguments of a launch, against what the kernel declares. */
#include "image.h"

#include <base/error.h>

#include "device.h"
#include "kernel.h"
#include "stream.h"

struct slot {
	const struct kiln_kernel *kernel;
	const struct kiln_binding *binding;
	size_t index; /* of the argument */
};

#define AT_SLOT(slot)                                                             \
	(slot)->index, (slot)->binding->name ? (slot)->binding->name : "unnamed", \
		(slot)->binding->layout.set, (slot)->binding->layout.binding, (slot)->kernel->name
#define SLOT_FORMAT "argument %zu ('%s', set %u binding %u of kernel '%s')"

static const char *kind_name(uint32_t component)
{
	return component == KILN_SPEC_F32   ? "floating-point numbers"
	       : component == KILN_SPEC_I32 ? "signed integers"
	       : component == KILN_SPEC_U32 ? "unsigned integers"
	                                    : "numbers that no format of Kiln's holds";
}

static uint32_t component_of(char kind)
{
	return kind == 'f' ? KILN_SPEC_F32 : kind == 'i' ? KILN_SPEC_I32 : KILN_SPEC_U32;
}

static enum kiln_status check_given(const struct slot *slot, const struct kiln_stream_binding *given)
{
	if (!given->buffer)
		return kiln_error(KILN_ERR_NULL_BUFFER,
		                  SLOT_FORMAT
		                  " is a %s and NULL. Fix: set .image in .args for every binding of an image",
		                  AT_SLOT(slot), kiln_binding_type_name(slot->binding->layout.type));
	if (given->buffer->device != slot->kernel->device)
		return kiln_error(KILN_ERR_FOREIGN_OBJECT,
		                  SLOT_FORMAT " belongs to another device. Fix: create it on the kernel's",
		                  AT_SLOT(slot));
	if (!given->buffer->image)
		return kiln_error(
			KILN_ERR_IMAGE_MISMATCH,
			SLOT_FORMAT
			" is a %s, and the buffer \"%s\" was given. Fix: pass an image, as .image in .args",
			AT_SLOT(slot), kiln_binding_type_name(slot->binding->layout.type),
			given->buffer->name);
	return KILN_OK;
}

static enum kiln_status check_shape(const struct slot *slot, const struct kiln_image *image)
{
	const struct kiln_binding_image *declared = &slot->binding->image;

	if (declared->dimensions == 0 || declared->arrayed || declared->multisampled)
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			SLOT_FORMAT
			" is %s image; Kiln's have one layer of one, two or three dimensions. Fix: declare image1D, "
			"image2D or image3D, or an array of bindings",
			AT_SLOT(slot),
			declared->multisampled ? "a multisampled"
			: declared->arrayed    ? "a layered"
					       : "a cube or another");
	if (declared->dimensions == image->info.dimensions)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_IMAGE_MISMATCH,
		SLOT_FORMAT
		" is %u-dimensional, and image \"%s\" has %u dimensions. Fix: pass one of that shape",
		AT_SLOT(slot), declared->dimensions, image->tracked.name, image->info.dimensions);
}

static enum kiln_status check_format(const struct slot *slot, const struct kiln_image *image)
{
	const struct kiln_binding_image *declared = &slot->binding->image;
	const struct kiln_format_row *row = kiln_format_row(image->info.format);

	if (declared->component != component_of(row->kind))
		return kiln_error(
			KILN_ERR_IMAGE_MISMATCH,
			SLOT_FORMAT
			" holds %s, and image \"%s\" of format %s holds %s. Fix: pass another format, or "
			"declare the other kind of image (image2D, iimage2D, uimage2D)",
			AT_SLOT(slot), kind_name(declared->component), image->tracked.name, row->name,
			kind_name(component_of(row->kind)));
	if (slot->binding->layout.type != KILN_BINDING_STORAGE_IMAGE || declared->format == 0 ||
	    declared->format == row->spirv)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_IMAGE_MISMATCH,
		SLOT_FORMAT
		" is declared with format %s, and image \"%s\" has %s. Fix: pass an image of that format",
		AT_SLOT(slot), kiln_image_format_name(declared->format), image->tracked.name, row->name);
}

static enum kiln_status check_use(const struct slot *slot, const struct kiln_image *image)
{
	bool storage = slot->binding->layout.type == KILN_BINDING_STORAGE_IMAGE;

	if (!(image->info.uses & (storage ? KILN_IMAGE_STORAGE : KILN_IMAGE_SAMPLED)))
		return kiln_error(KILN_ERR_UNSUPPORTED,
		                  SLOT_FORMAT
		                  " is a %s, and device '%s' has none of format %s. Fix: use a format that "
		                  "kiln_device_format_uses() has it for",
		                  AT_SLOT(slot), storage ? "storage image" : "sampled image",
		                  slot->kernel->device->info.name, kiln_format_name(image->info.format));
	if (image->tracked.read_only && (slot->binding->layout.access & KILN_ACCESS_WRITE))
		return kiln_error(
			KILN_ERR_BUFFER_ACCESS,
			SLOT_FORMAT
			" is written by the kernel, but image \"%s\" was created read-only. Fix: create "
			"it without .read_only, or declare the binding readonly",
			AT_SLOT(slot), image->tracked.name);
	return KILN_OK;
}

static enum kiln_status check_sampler(const struct slot *slot, uint32_t number)
{
	if (number >= KILN_SAMPLERS)
		return kiln_error(KILN_ERR_INVALID_ARGUMENT,
		                  SLOT_FORMAT
		                  " has a .sampler of unknown .filter or .address. Fix: pass values of enum "
		                  "kiln_filter and enum kiln_address",
		                  AT_SLOT(slot));
	return kiln_sampler_ready(slot->kernel->device, number);
}

static enum kiln_status check_linear(const struct slot *slot, const struct kiln_image *image, uint32_t number)
{
	if (!kiln_sampler_is_linear(number) || (image->info.uses & KILN_IMAGE_LINEAR))
		return KILN_OK;
	return kiln_error(
		KILN_ERR_UNSUPPORTED,
		SLOT_FORMAT
		" is sampled linearly, and device '%s' cannot do that with format %s of image \"%s\". "
		"Fix: use KILN_FILTER_NEAREST, or another format",
		AT_SLOT(slot), slot->kernel->device->info.name, kiln_format_name(image->info.format),
		image->tracked.name);
}

static enum kiln_status check_image(const struct slot *slot, struct kiln_stream_binding *given)
{
	const struct kiln_image *image;

	KILN_TRY(check_given(slot, given));
	image = given->buffer->image;
	KILN_TRY(check_shape(slot, image));
	KILN_TRY(check_format(slot, image));
	KILN_TRY(check_use(slot, image));
	KILN_TRY(kiln_contents_check(given->buffer, "kiln_launch", 0, given->buffer->bytes));
	if (slot->binding->layout.type != KILN_BINDING_COMBINED_IMAGE_SAMPLER) {
		given->offset = 0;
		return KILN_OK;
	}
	KILN_TRY(check_sampler(slot, (uint32_t)given->offset));
	return check_linear(slot, image, (uint32_t)given->offset);
}

static enum kiln_status check_lone_sampler(const struct slot *slot, struct kiln_stream_binding *given)
{
	if (given->buffer)
		return kiln_error(KILN_ERR_IMAGE_MISMATCH,
		                  SLOT_FORMAT
		                  " is a sampler, and \"%s\" was given. Fix: set .sampler and nothing else",
		                  AT_SLOT(slot), given->buffer->name);
	given->buffer = &slot->kernel->device->samplers.tracked;
	return check_sampler(slot, (uint32_t)given->offset);
}

enum kiln_status kiln_launch_take_argument(const struct kiln_arg *arg, size_t index,
                                           struct kiln_stream_binding *out_binding)
{
	KILN_CHECK(!arg->image || !arg->buffer,
	           "argument %zu has both .buffer and .image. Fix: set the one that the kernel binds", index);
	KILN_CHECK(!arg->image || (!arg->offset && !arg->bytes),
	           "argument %zu is an image with a range. Fix: set .offset and .bytes for buffers only",
	           index);
	*out_binding = (struct kiln_stream_binding){.buffer = arg->buffer,
	                                            .offset = arg->offset,
	                                            .bytes = arg->bytes};
	if (arg->buffer)
		return KILN_OK;
	out_binding->buffer = arg->image ? &arg->image->tracked : NULL;
	out_binding->offset = kiln_sampler_number(&arg->sampler);
	out_binding->bytes = KILN_IMAGE_TRACKED;
	return KILN_OK;
}

enum kiln_status kiln_launch_check_image(const struct kiln_kernel *kernel, const struct kiln_binding *binding,
                                         size_t index, struct kiln_stream_binding *given)
{
	const struct slot slot = {kernel, binding, index};

	given->access = binding->layout.access;
	switch ((enum kiln_binding_type)binding->layout.type) {
	case KILN_BINDING_SAMPLER:
		given->access = 0;
		return check_lone_sampler(&slot, given);
	case KILN_BINDING_COMBINED_IMAGE_SAMPLER:
	case KILN_BINDING_SAMPLED_IMAGE:
	case KILN_BINDING_STORAGE_IMAGE:
		return check_image(&slot, given);
	default:
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			SLOT_FORMAT
			" is a %s; launches pass buffers, images and samplers. Fix: use one of them",
			AT_SLOT(&slot), kiln_binding_type_name(binding->layout.type));
	}
}
