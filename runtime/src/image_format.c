/* Kiln's formats as Vulkan and as SPIR-V know them. */
#include "image.h"

#include <spirv/unified1/spirv.h>

#define ROW(format, vulkan, spirv, name, bytes, kind)                         \
	[KILN_FORMAT_##format] = {                                            \
		name, VK_FORMAT_##vulkan, SpvImageFormat##spirv, bytes, kind, \
	}
/* One, two and four channels. */
#define ROWS(bits, suffix, vulkan, spirv, letters, kind)                                                  \
	ROW(R##bits##suffix, R##bits##_##vulkan, R##bits##spirv, "r" #bits letters, bits / 8, kind),      \
		ROW(RG##bits##suffix, R##bits##G##bits##_##vulkan, Rg##bits##spirv, "rg" #bits letters,   \
	            bits / 4, kind),                                                                      \
		ROW(RGBA##bits##suffix, R##bits##G##bits##B##bits##A##bits##_##vulkan, Rgba##bits##spirv, \
	            "rgba" #bits letters, bits / 2, kind)

static const struct kiln_format_row rows[] = {
	ROWS(8, , UNORM, , "", 'f'),
	ROWS(16, , UNORM, , "", 'f'),
	ROWS(8, _SNORM, SNORM, Snorm, "_snorm", 'f'),
	ROWS(16, _SNORM, SNORM, Snorm, "_snorm", 'f'),
	ROWS(16, F, SFLOAT, f, "f", 'f'),
	ROWS(32, F, SFLOAT, f, "f", 'f'),
	ROWS(8, I, SINT, i, "i", 'i'),
	ROWS(16, I, SINT, i, "i", 'i'),
	ROWS(32, I, SINT, i, "i", 'i'),
	ROWS(8, UI, UINT, ui, "ui", 'u'),
	ROWS(16, UI, UINT, ui, "ui", 'u'),
	ROWS(32, UI, UINT, ui, "ui", 'u'),
	ROW(RGB10_A2, A2B10G10R10_UNORM_PACK32, Rgb10A2, "rgb10_a2", 4, 'f'),
	ROW(R11F_G11F_B10F, B10G11R11_UFLOAT_PACK32, R11fG11fB10f, "r11f_g11f_b10f", 4, 'f'),
	ROW(RGBA8_SRGB, R8G8B8A8_SRGB, Unknown, "rgba8_srgb", 4, 'f'),
};

const struct kiln_format_row *kiln_format_row(enum kiln_format format)
{
	size_t at = (size_t)format;

	return at < sizeof(rows) / sizeof(rows[0]) && rows[at].name ? &rows[at] : NULL;
}

const char *kiln_format_name(enum kiln_format format)
{
	const struct kiln_format_row *row = kiln_format_row(format);

	return row ? row->name : "?";
}

uint32_t kiln_format_bytes(enum kiln_format format)
{
	const struct kiln_format_row *row = kiln_format_row(format);

	return row ? row->bytes : 0;
}
