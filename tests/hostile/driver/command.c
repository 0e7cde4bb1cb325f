/* Recording commands, and executing them. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "objects.h"

/* ---- Pools ---- */

VKAPI_ATTR VkResult VKAPI_CALL vkCreateCommandPool(VkDevice device, const VkCommandPoolCreateInfo *info,
                                                   const VkAllocationCallbacks *allocator,
                                                   VkCommandPool *out_pool)
{
	VkCommandPool pool;

	(void)info;
	(void)allocator;
	if (hostile_strikes(device->script, HOSTILE_COMMANDS_OOM))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	pool = hostile_new(device, sizeof(*pool));
	if (!pool)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	*out_pool = pool;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyCommandPool(VkDevice device, VkCommandPool pool,
                                                const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	while (pool && pool->buffers) {
		VkCommandBuffer next = pool->buffers->next;

		free(pool->buffers->commands);
		hostile_delete(device, pool->buffers);
		pool->buffers = next;
	}
	hostile_delete(device, pool);
}

VKAPI_ATTR VkResult VKAPI_CALL vkAllocateCommandBuffers(VkDevice device,
                                                        const VkCommandBufferAllocateInfo *info,
                                                        VkCommandBuffer *out_buffers)
{
	if (hostile_strikes(device->script, HOSTILE_COMMANDS_OOM))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	for (uint32_t i = 0; i < info->commandBufferCount; i++) {
		VkCommandBuffer commands = hostile_new(device, sizeof(*commands));

		if (!commands)
			return VK_ERROR_OUT_OF_HOST_MEMORY;
		set_loader_magic_value(commands);
		commands->device = device;
		commands->next = info->commandPool->buffers;
		info->commandPool->buffers = commands;
		out_buffers[i] = commands;
	}
	return VK_SUCCESS;
}

static void forget(VkCommandBuffer commands)
{
	bool in_flight;

	pthread_mutex_lock(&commands->device->lock);
	in_flight = commands->in_flight > 0;
	pthread_mutex_unlock(&commands->device->lock);
	if (in_flight)
		hostile_log(commands->device->script, "misuse commands are reset while they run");
	commands->state = HOSTILE_INITIAL;
	commands->count = 0;
	commands->dispatch = (struct hostile_command){.kind = HOSTILE_DISPATCH};
}

VKAPI_ATTR VkResult VKAPI_CALL vkResetCommandPool(VkDevice device, VkCommandPool pool,
                                                  VkCommandPoolResetFlags flags)
{
	(void)flags;
	if (hostile_strikes(device->script, HOSTILE_RESET_OOM))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	for (VkCommandBuffer commands = pool->buffers; commands; commands = commands->next)
		forget(commands);
	return VK_SUCCESS;
}

/* ---- Recording ---- */

static void expect_recording(VkCommandBuffer commands)
{
	if (commands->state != HOSTILE_RECORDING)
		hostile_log(commands->device->script, "misuse a command outside begin and end");
}

VKAPI_ATTR VkResult VKAPI_CALL vkBeginCommandBuffer(VkCommandBuffer commands,
                                                    const VkCommandBufferBeginInfo *info)
{
	if (hostile_strikes(commands->device->script, HOSTILE_BEGIN_OOM))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	forget(commands);
	commands->state = HOSTILE_RECORDING;
	commands->one_time = info->flags & VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
	commands->simultaneous = info->flags & VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
	return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkEndCommandBuffer(VkCommandBuffer commands)
{
	expect_recording(commands);
	if (hostile_strikes(commands->device->script, HOSTILE_END_OOM))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	commands->state = HOSTILE_ENDED;
	return VK_SUCCESS;
}

static void record(VkCommandBuffer commands, const struct hostile_command *command)
{
	expect_recording(commands);
	if (commands->count == commands->capacity) {
		commands->capacity = commands->capacity ? 2 * commands->capacity : 16;
		commands->commands = realloc(commands->commands, commands->capacity * sizeof(*command));
		if (!commands->commands)
			abort();
	}
	commands->commands[commands->count++] = *command;
}

VKAPI_ATTR void VKAPI_CALL vkCmdBindPipeline(VkCommandBuffer commands, VkPipelineBindPoint point,
                                             VkPipeline pipeline)
{
	(void)point;
	commands->dispatch.dispatch.pipeline = pipeline;
}

VKAPI_ATTR void VKAPI_CALL vkCmdBindDescriptorSets(VkCommandBuffer commands, VkPipelineBindPoint point,
                                                   VkPipelineLayout layout, uint32_t first, uint32_t count,
                                                   const VkDescriptorSet *sets, uint32_t offset_count,
                                                   const uint32_t *offsets)
{
	(void)point, (void)layout, (void)offset_count, (void)offsets;
	for (uint32_t i = 0; i < count && first + i < HOSTILE_SETS; i++)
		commands->dispatch.dispatch.sets[first + i] = sets[i];
}

VKAPI_ATTR void VKAPI_CALL vkCmdPushConstants(VkCommandBuffer commands, VkPipelineLayout layout,
                                              VkShaderStageFlags stages, uint32_t offset, uint32_t size,
                                              const void *values)
{
	(void)stages;
	if (offset > layout->push_bytes || size > layout->push_bytes - offset ||
	    offset + size > HOSTILE_PUSH_BYTES)
		hostile_log(commands->device->script, "misuse push constants outside the layout's range");
	else
		memcpy(commands->dispatch.dispatch.push + offset, values, size);
}

VKAPI_ATTR void VKAPI_CALL vkCmdDispatch(VkCommandBuffer commands, uint32_t x, uint32_t y, uint32_t z)
{
	commands->dispatch.dispatch.groups = x * y * z;
	record(commands, &commands->dispatch);
}

/* The driver's kernels do not ask which workgroup they are: those that count their work are right in parts too. */
VKAPI_ATTR void VKAPI_CALL vkCmdDispatchBase(VkCommandBuffer commands, uint32_t base_x, uint32_t base_y,
                                             uint32_t base_z, uint32_t x, uint32_t y, uint32_t z)
{
	(void)base_x, (void)base_y, (void)base_z;
	vkCmdDispatch(commands, x, y, z);
}

static struct hostile_command barrier_of(VkPipelineStageFlags before, VkPipelineStageFlags after,
                                         VkAccessFlags access, VkAccessFlags access_after)
{
	return (struct hostile_command){
		.kind = HOSTILE_BARRIER,
		.barrier =
			{
				.stages = before,
				.stages_after = after,
				.access = access,
				.access_after = access_after,
			},
	};
}

/* Commands run one after another, each finished before the next: barriers have nothing left to do, and are kept for the
 * record. */
VKAPI_ATTR void VKAPI_CALL vkCmdPipelineBarrier(VkCommandBuffer commands, VkPipelineStageFlags before,
                                                VkPipelineStageFlags after, VkDependencyFlags flags,
                                                uint32_t memory_count, const VkMemoryBarrier *memory,
                                                uint32_t buffer_count, const VkBufferMemoryBarrier *buffers,
                                                uint32_t image_count, const VkImageMemoryBarrier *images)
{
	struct hostile_command command = barrier_of(before, after, 0, 0);

	(void)flags, (void)image_count, (void)images;
	record(commands, &command); /* the order of execution */
	for (uint32_t i = 0; i < memory_count; i++) {
		command = barrier_of(before, after, memory[i].srcAccessMask, memory[i].dstAccessMask);
		command.barrier.same_command = true;
		record(commands, &command);
	}
	for (uint32_t i = 0; i < buffer_count; i++) {
		const VkBufferMemoryBarrier *one = &buffers[i];

		command = barrier_of(before, after, one->srcAccessMask, one->dstAccessMask);
		command.barrier.same_command = true;
		command.barrier.begin = one->buffer->bytes + one->offset;
		command.barrier.bytes =
			one->size == VK_WHOLE_SIZE ? one->buffer->size - one->offset : one->size;
		record(commands, &command);
	}
}

VKAPI_ATTR void VKAPI_CALL vkCmdCopyBuffer(VkCommandBuffer commands, VkBuffer source, VkBuffer target,
                                           uint32_t region_count, const VkBufferCopy *regions)
{
	for (uint32_t i = 0; i < region_count; i++)
		record(commands, &(struct hostile_command){
					 .kind = HOSTILE_COPY,
					 .copy = {source, target, regions[i]},
				 });
}

VKAPI_ATTR void VKAPI_CALL vkCmdFillBuffer(VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset,
                                           VkDeviceSize bytes, uint32_t value)
{
	if (bytes == VK_WHOLE_SIZE)
		bytes = (buffer->size - offset) & ~(VkDeviceSize)3;
	record(commands, &(struct hostile_command){
				 .kind = HOSTILE_FILL,
				 .fill = {buffer, offset, bytes, value},
			 });
}

VKAPI_ATTR void VKAPI_CALL vkCmdResetQueryPool(VkCommandBuffer commands, VkQueryPool pool, uint32_t first,
                                               uint32_t count)
{
	record(commands, &(struct hostile_command){.kind = HOSTILE_RESET, .query = {pool, first, count}});
}

VKAPI_ATTR void VKAPI_CALL vkCmdWriteTimestamp(VkCommandBuffer commands, VkPipelineStageFlagBits stage,
                                               VkQueryPool pool, uint32_t query)
{
	(void)stage;
	record(commands, &(struct hostile_command){.kind = HOSTILE_STAMP, .query = {pool, query, 1}});
}

/* ---- Executing ---- */

static bool inside(VkCommandBuffer commands, VkBuffer buffer, VkDeviceSize offset, VkDeviceSize bytes)
{
	if (buffer->bytes && offset <= buffer->size && bytes <= buffer->size - offset)
		return true;
	hostile_log(commands->device->script, "misuse a fill or copy outside its buffer");
	return false;
}

static void fill(VkCommandBuffer commands, const struct hostile_command *command)
{
	VkBuffer buffer = command->fill.buffer;

	if (!inside(commands, buffer, command->fill.offset, command->fill.bytes))
		return;
	for (VkDeviceSize at = 0; at < command->fill.bytes; at += 4)
		memcpy(buffer->bytes + command->fill.offset + at, &command->fill.value, 4);
}

static void copy(VkCommandBuffer commands, const struct hostile_command *command)
{
	const VkBufferCopy *region = &command->copy.region;

	if (inside(commands, command->copy.source, region->srcOffset, region->size) &&
	    inside(commands, command->copy.target, region->dstOffset, region->size))
		memmove(command->copy.target->bytes + region->dstOffset,
		        command->copy.source->bytes + region->srcOffset, region->size);
}

static void pause_us(uint64_t us)
{
	struct timespec time = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

	while (us && nanosleep(&time, &time) != 0) {
	}
}

/* What workgroups of some sizes do to the device, and how long all of them take. */
static void suffer(VkCommandBuffer commands, const struct hostile_command *command)
{
	struct hostile_script *script = commands->device->script;
	uint32_t size = command->dispatch.pipeline->group_threads;

	if (script->rules[HOSTILE_SIZE_KILLED].value == size && hostile_strikes(script, HOSTILE_SIZE_KILLED))
		(void)raise(SIGKILL);
	if (script->rules[HOSTILE_SIZE_HANGS].value == size && hostile_strikes(script, HOSTILE_SIZE_HANGS))
		for (;;)
			pause_us(1000000);
	if (script->rules[HOSTILE_SIZE_LOST].value == size && hostile_strikes(script, HOSTILE_SIZE_LOST)) {
		pthread_mutex_lock(&commands->device->lock);
		commands->device->lost = true;
		pthread_mutex_unlock(&commands->device->lock);
	}
	if (script->rules[HOSTILE_GROUP_US].set)
		pause_us((uint64_t)hostile_value(script, HOSTILE_GROUP_US) * command->dispatch.groups);
}

static void dispatch(VkCommandBuffer commands, const struct hostile_command *command)
{
	VkPipeline pipeline = command->dispatch.pipeline;
	struct hostile_dispatch work = {
		.push = command->dispatch.push,
		.threads = command->dispatch.groups * pipeline->group_threads,
	};

	hostile_log(commands->device->script, "dispatch %s", pipeline->entry);
	hostile_pause(commands->device->script, HOSTILE_DISPATCH_MS);
	suffer(commands, command);
	for (uint32_t i = 0; i < HOSTILE_SETS; i++)
		work.sets[i] = command->dispatch.sets[i] ? command->dispatch.sets[i]->ranges : NULL;
	if (pipeline->kernel)
		pipeline->kernel(&work);
	atomic_fetch_sub(&pipeline->pending, 1);
}

void hostile_note_pending(VkCommandBuffer commands)
{
	for (uint32_t i = 0; i < commands->count; i++)
		if (commands->commands[i].kind == HOSTILE_DISPATCH)
			atomic_fetch_add(&commands->commands[i].dispatch.pipeline->pending, 1);
}

void hostile_execute(VkCommandBuffer commands)
{
	for (uint32_t i = 0; i < commands->count; i++) {
		const struct hostile_command *command = &commands->commands[i];

		switch (command->kind) {
		case HOSTILE_FILL:
			fill(commands, command);
			break;
		case HOSTILE_COPY:
			copy(commands, command);
			break;
		case HOSTILE_DISPATCH:
			dispatch(commands, command);
			break;
		case HOSTILE_STAMP:
			hostile_stamp(commands->device, command->query.pool, command->query.first);
			break;
		case HOSTILE_RESET:
			for (uint32_t q = 0; q < command->query.count; q++)
				command->query.pool->available[command->query.first + q] = false;
			break;
		case HOSTILE_BARRIER:
			break;
		}
	}
}
