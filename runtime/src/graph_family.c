/* A graph for queues of more than one family: command buffers belong to one, so each family that the graph is launched for
 * gets its own, at the first such launch. All else, the descriptor sets too, is the graph's. */
#include "graph.h"

#include <string.h>

#include <base/alloc.h>

#include "device.h"
#include "slice.h"

enum kiln_status kiln_graph_make_pool(struct kiln_graph *graph)
{
	VkCommandPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
		.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
		.queueFamilyIndex = graph->family,
	};
	enum kiln_status status = KILN_OK;

	if (graph->commands)
		return KILN_OK;
	KILN_VK_NEW(graph->device, status, out, graph->commands,
	            graph->device->vk.vkCreateCommandPool(graph->device->handle, &info, NULL,
	                                                  &graph->commands));
out:
	return status;
}

/* ---- Two families ---- */

static struct kiln_graph_family take(const struct kiln_graph *graph)
{
	return (struct kiln_graph_family){
		.family = graph->family,
		.commands = graph->commands,
		.end = graph->end,
		.segments = graph->segments,
		.segment_count = graph->segment_count,
		.segment_room = graph->segment_room,
		.list = graph->list,
	};
}

static void put(struct kiln_graph *graph, const struct kiln_graph_family *from)
{
	graph->commands = from->commands;
	graph->end = from->end;
	graph->segments = from->segments;
	graph->segment_count = from->segment_count;
	graph->segment_room = from->segment_room;
	graph->list = from->list;
}

void kiln_graph_spoil(struct kiln_graph *graph)
{
	for (uint32_t i = 0; i < graph->segment_count; i++) {
		graph->segments[i].dirty = true;
		graph->segments[i].changed = 0;
	}
	graph->stale = true;
}

/* What changed since is known for the segments at hand only: those that lay aside meanwhile are recorded whole. */
void kiln_graph_turn_to(struct kiln_graph *graph, uint32_t family)
{
	struct kiln_graph_family now = take(graph), then = graph->aside;
	bool stale = graph->stale;

	if (family == graph->family)
		return;
	put(graph, &then);
	graph->family = family;
	now.behind = stale;
	graph->aside = now;
	if (stale || then.behind || !then.commands)
		kiln_graph_spoil(graph);
}

/* ---- Ends ---- */

static void free_one(struct kiln_device *device, struct kiln_graph_family *family)
{
	if (family->commands)
		device->vk.vkDestroyCommandPool(device->handle, family->commands, NULL);
	kiln_free(family->segments);
	kiln_free(family->list);
}

void kiln_graph_free_families(struct kiln_graph *graph)
{
	static const struct kiln_graph_family none;
	struct kiln_graph_family now = take(graph);

	free_one(graph->device, &now);
	free_one(graph->device, &graph->aside);
	put(graph, &none);
	graph->aside = none;
}

/* ---- Launches that turned out to be short ---- */

static bool is_short(const struct kiln_graph_node *node)
{
	return node->sliced && kiln_slice_is_short(node->sliced, node->groups);
}

static bool any_is_short(const struct kiln_graph *graph)
{
	for (uint32_t i = 0; i < graph->segment_count; i++)
		if (is_short(&graph->nodes[graph->segments[i].first]))
			return true;
	return false;
}

/* They go into segments with the others, so all are made anew. */
enum kiln_status kiln_graph_settle(struct kiln_graph *graph)
{
	if (graph->sliced == 0 || !any_is_short(graph))
		return KILN_OK;
	KILN_TRY(kiln_graph_wait(graph));
	for (uint32_t i = 0; i < graph->node_count; i++)
		if (is_short(&graph->nodes[i])) {
			graph->nodes[i].sliced = NULL;
			graph->sliced--;
		}
	kiln_graph_free_families(graph);
	graph->replan = true;
	graph->stale = true;
	return KILN_OK;
}
