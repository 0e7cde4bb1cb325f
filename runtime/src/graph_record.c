/* Recording a graph's segments, and splitting those of which little changes. */
#include "graph.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "debug_name.h"
#include "device.h"
#include "kernel.h"
#include "pipeline.h"
#include "stream_command.h"

#define SEGMENT_NODES 512u  /* in a fresh segment */
#define SEGMENTS_MAX 1024u  /* each costs its submission */
#define COMMANDS_BYTES 256u /* of a driver's command buffer, where recording begins */
#define SPLIT_SHARE 8u      /* a segment is split when at most one operation in so many changed */

static enum kiln_status allocate_commands(struct kiln_graph *graph, VkCommandBuffer *out_commands)
{
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
		.commandPool = graph->commands,
		.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
		.commandBufferCount = 1,
	};
	enum kiln_status status = KILN_OK;

	KILN_VK(graph->device, status, out,
	        graph->device->vk.vkAllocateCommandBuffers(graph->device->handle, &info, out_commands));
	kiln_debug_name(graph->device, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)*out_commands,
	                "graph");
out:
	return status;
}

static enum kiln_status reserve_segments(struct kiln_graph *graph, uint32_t count)
{
	struct kiln_graph_segment *segments;
	VkCommandBuffer *list;
	uint32_t room = graph->segment_room ? graph->segment_room : 16;

	if (count <= graph->segment_room)
		return KILN_OK;
	while (room < count)
		room *= 2;
	segments = kiln_realloc(graph->segments, room * sizeof(*segments));
	if (segments)
		graph->segments = segments;
	list = segments ? kiln_realloc(graph->list, (room + 2u) * sizeof(VkCommandBuffer)) : NULL;
	if (!list)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory recording a graph. Fix: free memory and call again");
	graph->list = list;
	graph->segment_room = room;
	return KILN_OK;
}

static enum kiln_status begin(struct kiln_graph *graph, VkCommandBuffer commands)
{
	VkCommandBufferBeginInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
	};
	enum kiln_status status = KILN_OK;

	KILN_VK(graph->device, status, out, graph->device->vk.vkBeginCommandBuffer(commands, &info));
out:
	return status;
}

static void record_launch(struct kiln_graph *graph, VkCommandBuffer commands,
                          const struct kiln_graph_node *node, const struct kiln_pipeline **bound)
{
	const struct VolkDeviceTable *vk = &graph->device->vk;
	const struct kiln_stream_binding *counts = &node->bindings[node->binding_count - node->indirect];

	if (*bound != node->pipeline)
		vk->vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, node->pipeline->handle);
	*bound = node->pipeline;
	if (node->sets)
		vk->vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, node->pipeline->layout,
		                            0, node->pipeline->set_count, node->sets, 0, NULL);
	kiln_command_push(graph->device, commands, node->pipeline, node->push, node->push_bytes);
	if (node->indirect)
		vk->vkCmdDispatchIndirect(commands, counts->buffer->handle, counts->offset);
	else
		vk->vkCmdDispatch(commands, node->groups[0], node->groups[1], node->groups[2]);
}

static void record_labelled_launch(struct kiln_graph *graph, VkCommandBuffer commands,
                                   const struct kiln_graph_node *node, const struct kiln_pipeline **bound)
{
	kiln_debug_label_begin(graph->device, commands,
	                       node->kernel ? node->kernel->name : "kiln's own kernel");
	record_launch(graph, commands, node, bound);
	kiln_debug_label_end(graph->device, commands);
}

static void record_node(struct kiln_graph *graph, VkCommandBuffer commands,
                        const struct kiln_graph_node *node, const struct kiln_pipeline **bound)
{
	const struct VolkDeviceTable *vk = &graph->device->vk;
	const struct kiln_stream_binding *at = node->bindings;

	if (node->barrier)
		kiln_command_barrier(graph->device, commands);
	switch (node->operation) {
	case KILN_GRAPH_LAUNCH:
		if (kiln_watched(&graph->device->watch))
			record_labelled_launch(graph, commands, node, bound);
		else
			record_launch(graph, commands, node, bound);
		break;
	case KILN_GRAPH_COPY:
		vk->vkCmdCopyBuffer(commands, at[0].buffer->handle, at[1].buffer->handle, 1,
		                    &(VkBufferCopy){at[0].offset, at[1].offset, at[0].bytes});
		break;
	case KILN_GRAPH_FILL:
		vk->vkCmdFillBuffer(commands, at[0].buffer->handle, at[0].offset, at[0].bytes, node->value);
		break;
	}
}

static enum kiln_status forget_changes(struct kiln_graph *graph, struct kiln_graph_segment *segment)
{
	for (uint32_t i = segment->first; i < segment->first + segment->count; i++)
		graph->nodes[i].changed = false;
	segment->changed = 0;
	segment->dirty = false;
	return KILN_OK;
}

static enum kiln_status record_segment(struct kiln_graph *graph, struct kiln_graph_segment *segment)
{
	const struct kiln_pipeline *bound = NULL;
	enum kiln_status status = KILN_OK;

	segment->dirty = true; /* until it is whole */
	if (segment->alone)
		return forget_changes(graph, segment);
	KILN_TRY(begin(graph, segment->commands));
	kiln_graph_restamp(graph, segment->commands, segment->first, segment->count);
	for (uint32_t i = segment->first; i < segment->first + segment->count; i++) {
		kiln_graph_stamp(graph, segment->commands, i, false);
		record_node(graph, segment->commands, &graph->nodes[i], &bound);
		kiln_graph_stamp(graph, segment->commands, i, true);
	}
	KILN_VK(graph->device, status, out, graph->device->vk.vkEndCommandBuffer(segment->commands));
	forget_changes(graph, segment);
	graph->counters.recorded += segment->count;
out:
	return status;
}

/* ---- What is out of date ---- */

static struct kiln_graph_segment *segment_of(struct kiln_graph *graph, uint32_t node)
{
	uint32_t low = 0, high = graph->segment_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (graph->segments[middle].first <= node)
			low = middle;
		else
			high = middle;
	}
	return &graph->segments[low];
}

/* What was launched in between has emptied the caches: what recording it will need comes while the caller goes on. */
static void fetch_ahead(const struct kiln_graph_node *node, const struct kiln_graph_segment *segment)
{
#if defined(__GNUC__)
	const char *commands = (const char *)segment->commands;

	for (size_t line = 0; line < sizeof(*node); line += 64)
		__builtin_prefetch((const char *)node + line);
	__builtin_prefetch(node->sets);
	__builtin_prefetch(node->push);
	for (size_t line = 0; line < COMMANDS_BYTES;
	     line += 64) /* a handle that is dispatched by is an address */
		__builtin_prefetch(commands + line);
#else
	(void)node, (void)segment;
#endif
}

void kiln_graph_mark(struct kiln_graph *graph, uint32_t node)
{
	struct kiln_graph_node *changed = &graph->nodes[node];

	if (!changed->changed && graph->segment_count > 0) {
		struct kiln_graph_segment *segment = segment_of(graph, node);

		segment->changed++;
		fetch_ahead(changed, segment);
	}
	changed->changed = true;
	graph->aside.behind = true;
}

static enum kiln_status append(struct kiln_graph *graph, struct kiln_graph_segment *segments, uint32_t *at,
                               struct kiln_graph_segment segment)
{
	if (!segment.commands && !segment.alone)
		KILN_TRY(allocate_commands(graph, &segment.commands));
	segment.dirty = true;
	segments[(*at)++] = segment;
	return KILN_OK;
}

/* Operations that changed, and stretches of those that did not, each on their own. The segment's command buffer goes to the
 * first piece. */
static enum kiln_status split(struct kiln_graph *graph, const struct kiln_graph_segment *whole,
                              struct kiln_graph_segment *segments, uint32_t *at)
{
	VkCommandBuffer commands = whole->commands;
	uint32_t first = whole->first, end = whole->first + whole->count;

	for (uint32_t i = first; i < end; i++) {
		if (!graph->nodes[i].changed)
			continue;
		if (i > first) {
			KILN_TRY(append(graph, segments, at,
			                (struct kiln_graph_segment){first, i - first, commands, 0, true}));
			commands = VK_NULL_HANDLE;
		}
		KILN_TRY(append(graph, segments, at, (struct kiln_graph_segment){i, 1, commands, 1, true}));
		commands = VK_NULL_HANDLE;
		first = i + 1;
	}
	return first < end ? append(graph, segments, at,
	                            (struct kiln_graph_segment){first, end - first, commands, 0, true})
	                   : KILN_OK;
}

/* Those split() will find. A segment does not count what had changed before all was to be recorded anew, so its own number is
 * only good for telling that something did since. */
static uint32_t count_changed(const struct kiln_graph *graph, const struct kiln_graph_segment *segment)
{
	uint32_t changed = 0;

	for (uint32_t i = segment->first; i < segment->first + segment->count && segment->changed > 0; i++)
		changed += graph->nodes[i].changed;
	return changed;
}

static bool worth_splitting(const struct kiln_graph *graph, const struct kiln_graph_segment *segment,
                            uint32_t changed)
{
	return segment->count > 1 && changed > 0 && changed * SPLIT_SHARE <= segment->count &&
	       graph->segment_count + 2 * changed <= SEGMENTS_MAX;
}

static enum kiln_status split_all(struct kiln_graph *graph)
{
	for (uint32_t s = 0; s < graph->segment_count; s++) {
		struct kiln_graph_segment whole = graph->segments[s];
		uint32_t changed = count_changed(graph, &whole), pieces = 2 * changed + 1, at = 0;
		struct kiln_graph_segment *fresh;
		enum kiln_status status;

		if (changed > 0)
			graph->segments[s].dirty = true;
		if (!worth_splitting(graph, &whole, changed))
			continue;
		KILN_TRY(reserve_segments(graph, graph->segment_count + pieces));
		fresh = kiln_alloc_zero(pieces, sizeof(*fresh));
		status = fresh ? split(graph, &whole, fresh, &at)
		               : kiln_error(
					 KILN_ERR_OUT_OF_MEMORY,
					 "out of memory splitting a graph. Fix: free memory and call again");
		if (status == KILN_OK) {
			memmove(&graph->segments[s + at], &graph->segments[s + 1],
			        (graph->segment_count - s - 1) * sizeof(*fresh));
			memcpy(&graph->segments[s], fresh, at * sizeof(*fresh));
			graph->segment_count += at - 1;
			s += at - 1;
		}
		kiln_free(fresh);
		if (status != KILN_OK)
			return status;
	}
	return KILN_OK;
}

/* A launch in slices is a segment of its own. */
static struct kiln_graph_segment next_segment(const struct kiln_graph *graph, uint32_t first)
{
	struct kiln_graph_segment segment = {.first = first, .count = 1, .alone = graph->nodes[first].sliced};
	uint32_t left = graph->node_count - first, most = left < SEGMENT_NODES ? left : SEGMENT_NODES;

	while (!segment.alone && segment.count < most && !graph->nodes[first + segment.count].sliced)
		segment.count++;
	return segment;
}

/* Goes on where an earlier call ran out of memory. */
static enum kiln_status make_segments(struct kiln_graph *graph)
{
	const struct kiln_graph_segment *last =
		graph->segment_count ? &graph->segments[graph->segment_count - 1] : NULL;
	uint32_t first = last ? last->first + last->count : 0;

	while (first < graph->node_count) {
		struct kiln_graph_segment segment = next_segment(graph, first);

		KILN_TRY(reserve_segments(graph, graph->segment_count + 1));
		KILN_TRY(append(graph, graph->segments, &graph->segment_count, segment));
		first += segment.count;
	}
	return reserve_segments(graph, graph->segment_count + 1);
}

static enum kiln_status record_end(struct kiln_graph *graph)
{
	enum kiln_status status = KILN_OK;

	if (graph->end)
		return KILN_OK;
	KILN_TRY(allocate_commands(graph, &graph->end));
	KILN_TRY(begin(graph, graph->end));
	kiln_command_to_host(graph->device, graph->end);
	KILN_VK(graph->device, status, out, graph->device->vk.vkEndCommandBuffer(graph->end));
out:
	return status;
}

enum kiln_status kiln_graph_record(struct kiln_graph *graph)
{
	KILN_TRY(record_end(graph));
	KILN_TRY(make_segments(graph));
	KILN_TRY(split_all(graph));
	for (uint32_t i = 0; i < graph->segment_count; i++)
		if (graph->segments[i].dirty)
			KILN_TRY(record_segment(graph, &graph->segments[i]));
	for (uint32_t i = 0; i < graph->segment_count; i++)
		graph->list[1 + i] = graph->segments[i].commands;
	graph->list[1 + graph->segment_count] = graph->end;
	graph->counters.segments = graph->segment_count;
	return KILN_OK;
}
