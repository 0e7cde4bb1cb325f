/* What a graph is made of: operations, and the buffers they use. */
#include "graph.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "buffer.h"
#include "device.h"
#include "kernel.h"
#include "pipeline.h"

static enum kiln_status no_memory(void)
{
	return kiln_error(KILN_ERR_OUT_OF_MEMORY,
	                  "out of memory recording a graph. Fix: free memory and call again");
}

enum kiln_status kiln_graph_new(struct kiln_device *device, struct kiln_graph **out_graph)
{
	struct kiln_graph *graph = kiln_alloc_zero(1, sizeof(*graph));

	if (!graph)
		return no_memory();
	graph->device = device;
	graph->replan = true;
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

void kiln_graph_free(struct kiln_graph *graph)
{
	struct kiln_device *device = graph->device;

	for (uint32_t i = 0; i < graph->pool_count; i++)
		device->vk.vkDestroyDescriptorPool(device->handle, graph->pools[i], NULL);
	if (graph->commands)
		device->vk.vkDestroyCommandPool(device->handle, graph->commands, NULL);
	for (uint32_t i = 0; i < graph->node_count; i++)
		free_node(&graph->nodes[i]);
	for (uint32_t i = 0; i < graph->buffer_count; i++)
		kiln_buffer_unreference(graph->buffers[i].buffer);
	kiln_free(graph->nodes);
	kiln_free(graph->buffers);
	kiln_free(graph->buffer_index);
	kiln_free(graph->segments);
	kiln_free(graph->list);
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

	if (graph->node_count < graph->node_room)
		return KILN_OK;
	nodes = graph->node_count < UINT32_MAX / 4 ? kiln_realloc(graph->nodes, room * sizeof(*nodes)) : NULL;
	if (!nodes)
		return no_memory();
	graph->nodes = nodes;
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
	graph->nodes[graph->node_count++] = node;
	return KILN_OK;
}

/* The kernel's lock keeps what is invalidated meanwhile. */
static struct kiln_pipeline *hold_pipeline(const struct kiln_stream_launch *launch)
{
	struct kiln_pipeline *pipeline;

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
	};

	memcpy(node.groups, launch->groups, sizeof(node.groups));
	kiln_kernel_reference(node.kernel);
	node.pipeline = hold_pipeline(launch);
	if (node.push_bytes) {
		node.push = kiln_memdup(launch->push, node.push_bytes);
		if (!node.push) {
			free_node(&node);
			return no_memory();
		}
	}
	return add(graph, node, launch->bindings, launch->binding_count);
}

enum kiln_status kiln_graph_add_copy(struct kiln_graph *graph, const struct kiln_stream_binding ends[2])
{
	return add(graph, (struct kiln_graph_node){.operation = KILN_GRAPH_COPY}, ends, 2);
}

enum kiln_status kiln_graph_add_fill(struct kiln_graph *graph, const struct kiln_stream_binding *range,
                                     uint32_t value)
{
	return add(graph, (struct kiln_graph_node){.operation = KILN_GRAPH_FILL, .value = value}, range, 1);
}
