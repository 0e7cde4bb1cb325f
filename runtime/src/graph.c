/* What a graph is made of: operations, and the buffers they use. */
#include "graph.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "kernel.h"
#include "launch_mode.h"
#include "pipeline.h"

static enum kiln_status no_memory(void)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "out of memory recording a graph. Fix: free memory and call again");
}

static void lose_objects(void *object)
{
	struct kiln_graph *graph = object;
	struct kiln_device *device = graph->device;

	for (uint32_t i = 0; i < graph->pool_count; i++)
		device->vk.vkDestroyDescriptorPool(device->handle, graph->pools[i], NULL);
	graph->pool_count = 0;
	kiln_graph_free_families(graph);
	if (graph->queries)
		device->vk.vkDestroyQueryPool(device->handle, graph->queries, NULL);
	graph->queries = VK_NULL_HANDLE;
	graph->gone = true;
}

static const struct kiln_part_class graph_parts = {lose_objects, NULL};

enum kiln_status kiln_graph_check(const struct kiln_graph *graph, const char *call)
{
	if (!graph->gone)
		return KILN_OK;
	return kiln_error(
		KILN_ERR_DEVICE_LOST,
		"%s: the graph was recorded before device '%s' was lost and reopened. Fix: destroy it "
		"and record it again",
		call, graph->device->info.name);
}

enum kiln_status kiln_graph_new(struct kiln_device *device, struct kiln_graph **out_graph)
{
	struct kiln_graph *graph = kiln_alloc_zero(1, sizeof(*graph));

	if (!graph)
		return no_memory();
	graph->device = device;
	graph->replan = true;
	kiln_part_add(device, &graph->part, &graph_parts, graph);
	kiln_device_reference(device);
	*out_graph = graph;
	return KILN_OK;
}

static void free_node(struct kiln_graph_node *node)
{
	kiln_pipeline_unreference(node->pipeline);
	if (node->kernel)
		kiln_kernel_destroy(&node->kernel);
	kiln_free(node->sets);
	kiln_free(node->push);
	kiln_free(node->bindings);
	kiln_free(node->uses);
}

void kiln_graph_release(struct kiln_graph *graph)
{
	while (graph->node_count)
		free_node(&graph->nodes[--graph->node_count]);
	while (graph->buffer_count)
		kiln_buffer_unreference(graph->buffers[--graph->buffer_count].buffer);
}

void kiln_graph_free(struct kiln_graph *graph)
{
	struct kiln_device *device = graph->device;

	kiln_part_remove(device, &graph->part);
	lose_objects(graph);
	kiln_graph_release(graph);
	kiln_modes_free_scratch(graph->modes);
	kiln_modes_unreference(graph->modes);
	kiln_free(graph->nodes);
	kiln_free(graph->operations);
	kiln_free(graph->buffers);
	kiln_free(graph->buffer_index);
	kiln_free(graph->pools);
	kiln_free(graph->summary);
	kiln_free(graph);
}

/* ---- Buffers ---- */

static uint32_t *find_slot(const struct kiln_graph *graph, const struct kiln_buffer *buffer)
{
	uint32_t mask = graph->index_room - 1;
	uint32_t at = (uint32_t)(((uintptr_t)buffer >> 5) * UINT32_C(2654435761)) & mask;

	while (graph->buffer_index[at] && graph->buffers[graph->buffer_index[at] - 1].buffer != buffer)
		at = (at + 1) & mask;
	return &graph->buffer_index[at];
}

static enum kiln_status grow_index(struct kiln_graph *graph)
{
	uint32_t room = graph->index_room ? 2 * graph->index_room : 64;
	uint32_t *index = kiln_alloc_zero(room, sizeof(*index));

	if (!index)
		return no_memory();
	kiln_free(graph->buffer_index);
	graph->buffer_index = index;
	graph->index_room = room;
	for (uint32_t i = 0; i < graph->buffer_count; i++)
		*find_slot(graph, graph->buffers[i].buffer) = i + 1;
	return KILN_OK;
}

static enum kiln_status grow_buffers(struct kiln_graph *graph)
{
	uint32_t room = graph->buffer_room ? 2 * graph->buffer_room : 16;
	struct kiln_graph_buffer *buffers = kiln_realloc(graph->buffers, room * sizeof(*buffers));
	struct kiln_stream_binding *summary;

	if (!buffers)
		return no_memory();
	graph->buffers = buffers;
	summary = kiln_realloc(graph->summary, room * sizeof(*summary));
	if (!summary)
		return no_memory();
	graph->summary = summary;
	graph->buffer_room = room;
	return KILN_OK;
}

enum kiln_status kiln_graph_buffer(struct kiln_graph *graph, struct kiln_buffer *buffer, uint32_t *out_index)
{
	uint32_t *slot;

	if (2 * (graph->buffer_count + 1) > graph->index_room)
		KILN_TRY(grow_index(graph));
	if (graph->buffer_count == graph->buffer_room)
		KILN_TRY(grow_buffers(graph));
	slot = find_slot(graph, buffer);
	if (*slot == 0) {
		kiln_buffer_reference(buffer);
		graph->buffers[graph->buffer_count] =
			(struct kiln_graph_buffer){.buffer = buffer, .first = UINT32_MAX};
		*slot = ++graph->buffer_count;
	}
	*out_index = *slot - 1;
	return KILN_OK;
}

/* ---- Operations ---- */

static enum kiln_status reserve_node(struct kiln_graph *graph)
{
	uint32_t room = graph->node_room ? 2 * graph->node_room : 64;
	struct kiln_graph_node *nodes;
	uint32_t *operations;

	if (graph->node_count < graph->node_room)
		return KILN_OK;
	nodes = graph->node_count < UINT32_MAX / 4 ? kiln_realloc(graph->nodes, room * sizeof(*nodes)) : NULL;
	if (!nodes)
		return no_memory();
	graph->nodes = nodes;
	operations = kiln_realloc(graph->operations, room * sizeof(*operations));
	if (!operations)
		return no_memory();
	graph->operations = operations;
	graph->node_room = room;
	return KILN_OK;
}

/* Takes what `node` owns, whatever becomes of it. */
static enum kiln_status add(struct kiln_graph *graph, struct kiln_graph_node node,
                            const struct kiln_stream_binding *bindings, uint32_t count)
{
	enum kiln_status status = reserve_node(graph);

	node.binding_count = count;
	if (status == KILN_OK && count) {
		node.bindings = kiln_memdup(bindings, count * sizeof(*bindings));
		node.uses = kiln_alloc_zero(count, sizeof(*node.uses));
		status = node.bindings && node.uses ? KILN_OK : no_memory();
	}
	for (uint32_t i = 0; i < count && status == KILN_OK; i++)
		status = kiln_graph_buffer(graph, bindings[i].buffer, &node.uses[i]);
	if (status != KILN_OK) {
		free_node(&node);
		return status;
	}
	node.changed = true;
	node.told = graph->operation_count;
	if (!graph->grouping)
		graph->operations[graph->operation_count++] = graph->node_count;
	graph->nodes[graph->node_count++] = node;
	return KILN_OK;
}

/* ---- Several as one ---- */

uint32_t kiln_graph_group_begin(struct kiln_graph *graph)
{
	if (!graph)
		return 0;
	graph->grouping = true;
	return graph->node_count;
}

void kiln_graph_group_end(struct kiln_graph *graph, uint32_t first, bool sealed, enum kiln_status status)
{
	if (!graph)
		return;
	graph->grouping = false;
	while (status != KILN_OK && graph->node_count > first)
		free_node(&graph->nodes[--graph->node_count]);
	for (uint32_t i = first; i < graph->node_count; i++)
		graph->nodes[i].sealed = sealed;
	if (graph->node_count > first)
		graph->operations[graph->operation_count++] = graph->node_count - 1;
}

/* The kernel's lock keeps what is invalidated meanwhile; Kiln's own are never replaced. */
static struct kiln_pipeline *hold_pipeline(const struct kiln_stream_launch *launch)
{
	struct kiln_pipeline *pipeline = launch->pipeline;

	if (!launch->current) {
		kiln_pipeline_reference(pipeline);
		return pipeline;
	}
	kiln_mutex_lock(&launch->kernel->lock);
	pipeline = atomic_load_explicit(launch->current, memory_order_relaxed);
	kiln_pipeline_reference(pipeline);
	kiln_mutex_unlock(&launch->kernel->lock);
	return pipeline;
}

enum kiln_status kiln_graph_add_launch(struct kiln_graph *graph, const struct kiln_stream_launch *launch)
{
	struct kiln_graph_node node = {
		.operation = KILN_GRAPH_LAUNCH,
		.kernel = launch->kernel,
		.entry = launch->entry,
		.push_bytes = launch->push_bytes,
		.indirect = launch->indirect,
	};

	memcpy(node.groups, launch->groups, sizeof(node.groups));
	if (node.kernel)
		kiln_kernel_reference(node.kernel);
	node.pipeline = hold_pipeline(launch);
	if (node.push_bytes) {
		node.push = kiln_memdup(launch->push, node.push_bytes);
		if (!node.push) {
			free_node(&node);
			return no_memory();
		}
	}
	return add(graph, node, launch->bindings, launch->binding_count + launch->indirect);
}

enum kiln_status kiln_graph_add_sliced(struct kiln_graph *graph, const struct kiln_stream_launch *launch,
                                       struct kiln_variant *variant)
{
	KILN_TRY(kiln_graph_add_launch(graph, launch));
	graph->nodes[graph->node_count - 1].sliced = variant;
	graph->sliced++;
	return KILN_OK;
}

enum kiln_status kiln_graph_add_copy(struct kiln_graph *graph, const struct kiln_stream_binding ends[2])
{
	graph->transfers = true;
	return add(graph, (struct kiln_graph_node){.operation = KILN_GRAPH_COPY}, ends, 2);
}

enum kiln_status kiln_graph_add_fill(struct kiln_graph *graph, const struct kiln_stream_binding *range,
                                     uint32_t value)
{
	graph->transfers = true;
	return add(graph, (struct kiln_graph_node){.operation = KILN_GRAPH_FILL, .value = value}, range, 1);
}
