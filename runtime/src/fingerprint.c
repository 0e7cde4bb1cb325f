#include "fingerprint.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/hash.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__linux__)
#include <sys/auxv.h>
#endif

/* Raised when the runtime itself starts to build pipelines differently from the same key. */
#define RUNTIME_FORMAT 1u

/* CPU drivers compile for this very processor: its model and instruction sets are part of the device. */
static void hash_cpu(struct kiln_hasher *hasher)
{
#if defined(__x86_64__) || defined(__i386__)
	static const uint32_t leaves[] = {0, 1, 7, 0x80000001u, 0x80000002u, 0x80000003u, 0x80000004u};

	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		uint32_t a = 0, b = 0, c = 0, d = 0;

		(void)__get_cpuid_count(leaves[i], 0, &a, &b, &c, &d);
		kiln_hash_u32(hasher, a);
		kiln_hash_u32(hasher, leaves[i] == 1 ? 0 : b); /* leaf 1's EBX names the core it ran on */
		kiln_hash_u32(hasher, c);
		kiln_hash_u32(hasher, d);
	}
#elif defined(__linux__)
	kiln_hash_u64(hasher, getauxval(AT_HWCAP));
	kiln_hash_u64(hasher, getauxval(AT_HWCAP2));
#else
	(void)hasher;
#endif
}

/* Feature structs are VkBool32 arrays behind sType and pNext; the pointer is skipped, values are hashed. */
static void hash_bools(struct kiln_hasher *hasher, const void *structure, size_t bytes)
{
	const size_t head = sizeof(VkBaseOutStructure);

	kiln_hash_field(hasher, (const char *)structure + head, bytes - head);
}

static void hash_features(struct kiln_hasher *hasher, const struct kiln_device_setup *setup)
{
	const struct kiln_device_features *use = &setup->features;

	hash_bools(hasher, &use->core, sizeof(use->core));
	hash_bools(hasher, &use->v11, sizeof(use->v11));
	hash_bools(hasher, &use->v12, sizeof(use->v12));
	hash_bools(hasher, &use->v13, sizeof(use->v13));
	hash_bools(hasher, &use->atomic_float, sizeof(use->atomic_float));
	hash_bools(hasher, &use->cooperative_matrix, sizeof(use->cooperative_matrix));
	hash_bools(hasher, &use->explicit_layout, sizeof(use->explicit_layout));
	hash_bools(hasher, &use->clock, sizeof(use->clock));
	kiln_hash_u32(hasher, setup->extension_count);
	for (uint32_t i = 0; i < setup->extension_count; i++)
		kiln_hash_string(hasher, setup->extensions[i]);
	if (setup->imported)
		kiln_hash_digest(hasher, &setup->application);
}

static void hash_driver(struct kiln_hasher *hasher, const struct kiln_physical *physical,
                        const char *build_id)
{
	const struct kiln_device_info *info = &physical->info;

	kiln_hash_u32(hasher, info->driver_id);
	kiln_hash_u32(hasher, info->driver_version);
	kiln_hash_string(hasher, info->driver_name);
	kiln_hash_string(hasher, info->driver_info);
	kiln_hash_field(hasher, physical->driver_uuid, sizeof(physical->driver_uuid));
	kiln_hash_field(hasher, physical->cache_uuid, sizeof(physical->cache_uuid));
	kiln_hash_u32(hasher, info->api_version);
	kiln_hash_string(hasher, info->driver_info[0] || !build_id ? "" : build_id);
}

struct kiln_digest kiln_processor_digest(void)
{
	struct kiln_hasher hasher;

	kiln_hash_init(&hasher, "kiln processor");
	hash_cpu(&hasher);
	return kiln_hash_finish(&hasher);
}

struct kiln_fingerprint kiln_device_fingerprint_of(const struct kiln_physical *physical,
                                                   const struct kiln_device_setup *setup, bool validation,
                                                   const char *build_id)
{
	const char *layers = getenv("VK_INSTANCE_LAYERS");
	struct kiln_fingerprint fingerprint = {
		.vendor_id = physical->info.vendor_id,
		.device_id = physical->info.device_id,
	};
	struct kiln_hasher hasher;

	kiln_hash_init(&hasher, "kiln driver v1");
	hash_driver(&hasher, physical, build_id);
	hash_features(&hasher, setup);
	kiln_hash_u8(&hasher, validation);
	kiln_hash_string(&hasher, layers ? layers : "");
	kiln_hash_u32(&hasher, (uint32_t)sizeof(void *));
	kiln_hash_u32(&hasher, RUNTIME_FORMAT);
	if (physical->info.type == KILN_DEVICE_CPU) {
		kiln_hash_field(&hasher, physical->info.uuid, sizeof(physical->info.uuid));
		hash_cpu(&hasher);
	}
	fingerprint.driver = kiln_hash_finish(&hasher);
	return fingerprint;
}

struct search {
	uintptr_t address;
	char *out;
	size_t bytes;
};

static bool holds(const struct dl_phdr_info *info, uintptr_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && address >= start && address - start < p->p_memsz)
			return true;
	}
	return false;
}

static void print_notes(const char *at, size_t left, struct search *search)
{
	ElfW(Nhdr) note;

	while (left >= sizeof(note)) {
		size_t name, descriptor;

		memcpy(&note, at, sizeof(note));
		name = (note.n_namesz + 3u) & ~(size_t)3;
		descriptor = (note.n_descsz + 3u) & ~(size_t)3;
		if (name + descriptor > left - sizeof(note))
			return;
		if (note.n_type == NT_GNU_BUILD_ID) {
			const unsigned char *id = (const unsigned char *)at + sizeof(note) + name;

			for (size_t i = 0; i < note.n_descsz && 2 * i + 3 <= search->bytes; i++)
				(void)snprintf(search->out + 2 * i, 3, "%02x", id[i]);
			return;
		}
		at += sizeof(note) + name + descriptor;
		left -= sizeof(note) + name + descriptor;
	}
}

static int visit_library(struct dl_phdr_info *info, size_t size, void *user)
{
	struct search *search = user;

	(void)size;
	if (!holds(info, search->address))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE && !search->out[0])
			print_notes((const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
			            info->dlpi_phdr[i].p_memsz, search);
	return 1;
}

void kiln_build_id(const void *address, char *out_hex, size_t bytes)
{
	struct search search = {(uintptr_t)address, out_hex, bytes};

	out_hex[0] = '\0';
	dl_iterate_phdr(visit_library, &search);
}
