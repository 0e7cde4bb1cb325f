/* How long each operation of a graph takes: two timestamps around every node, in a query pool of the graph's. */
#include "graph.h"

#include <string.h>

#include <base/alloc.h>
#include <base/error.h>

#include "debug_name.h"
#include "device.h"
#include "timestamp.h"

/* ---- Recording ---- */

/* Both are written when all work before them is done: operations never overlap, and together take what the device takes. */
void kiln_graph_stamp(const struct kiln_graph *graph, VkCommandBuffer commands, uint32_t node, bool end)
{
	if (graph->measures)
		graph->device->vk.vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
		                                      graph->queries, 2 * node + end);
}

void kiln_graph_restamp(const struct kiln_graph *graph, VkCommandBuffer commands, uint32_t first,
                        uint32_t count)
{
	if (graph->measures)
		graph->device->vk.vkCmdResetQueryPool(commands, graph->queries, 2 * first, 2 * count);
}

static enum kiln_status make_queries(struct kiln_graph *graph)
{
	VkQueryPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
		.queryType = VK_QUERY_TYPE_TIMESTAMP,
		.queryCount = 2 * graph->node_count,
	};
	struct kiln_device *device = graph->device;
	enum kiln_status status = KILN_OK;

	if (graph->queries)
		return KILN_OK;
	KILN_VK_NEW(device, status, out, graph->queries,
	            device->vk.vkCreateQueryPool(device->handle, &info, NULL, &graph->queries));
	kiln_debug_name(device, VK_OBJECT_TYPE_QUERY_POOL, (uint64_t)(uintptr_t)graph->queries, "graph");
out:
	return status;
}

enum kiln_status kiln_graph_measure(struct kiln_graph *graph, bool on)
{
	KILN_CHECK(graph, "kiln_graph_measure: the graph is NULL. Fix: record one with kiln_graph_begin()");
	KILN_TRY(kiln_device_check(graph->device));
	KILN_TRY(kiln_graph_check(graph, "kiln_graph_measure"));
	if (on == graph->measures || graph->node_count == 0)
		return KILN_OK;
	if (on && !graph->device->timestamps.bits[0])
		return kiln_error(KILN_ERR_UNSUPPORTED,
		                  "kiln_graph_measure: device '%s' has no timestamps. Fix: time "
		                  "kiln_graph_launch() with the host's clock",
		                  graph->device->info.name);
	if (on)
		KILN_TRY(make_queries(graph));
	graph->measures = on;
	graph->measured = false;
	kiln_graph_spoil(graph);
	graph->aside.behind = true;
	return KILN_OK;
}

/* ---- Reading ---- */

static enum kiln_status check_times(struct kiln_graph *graph, const uint64_t *out_ns, size_t count)
{
	KILN_CHECK(graph, "kiln_graph_times: the graph is NULL. Fix: record one with kiln_graph_begin()");
	KILN_CHECK(out_ns || count == 0,
	           "kiln_graph_times: out_ns is NULL. Fix: pass room for kiln_graph_length() times");
	KILN_CHECK(count == graph->operation_count,
	           "kiln_graph_times: room for %zu times of a graph of %u operations. Fix: pass "
	           "kiln_graph_length()",
	           count, graph->operation_count);
	KILN_CHECK(
		graph->measured,
		"kiln_graph_times: no launch of the graph was measured. Fix: call kiln_graph_measure() and "
		"kiln_graph_launch() before");
	KILN_TRY(kiln_device_check(graph->device));
	return kiln_graph_check(graph, "kiln_graph_times");
}

static void add_up(const struct kiln_graph *graph, const uint64_t *ticks, uint64_t *out_ns)
{
	memset(out_ns, 0, graph->operation_count * sizeof(*out_ns));
	for (uint32_t i = 0; i < graph->node_count; i++)
		out_ns[graph->nodes[i].told] +=
			kiln_ticks_ns(kiln_ticks_between(ticks[2 * i], ticks[2 * i + 1],
		                                         graph->measured_bits),
		                      graph->device->timestamps.period_ns);
}

static enum kiln_status read_ticks(const struct kiln_graph *graph, uint64_t *ticks)
{
	struct kiln_device *device = graph->device;
	uint32_t count = 2 * graph->node_count;
	enum kiln_status status = KILN_OK;
	VkResult result = device->vk.vkGetQueryPoolResults(device->handle, graph->queries, 0, count,
	                                                   count * sizeof(*ticks), ticks, sizeof(*ticks),
	                                                   VK_QUERY_RESULT_64_BIT);

	if (result == VK_NOT_READY)
		return kiln_error(KILN_ERR_UNSUPPORTED,
		                  "kiln_graph_times: the last launch of the graph was not whole. Fix: launch "
		                  "it again");
	KILN_VK(device, status, out, result);
out:
	return status;
}

enum kiln_status kiln_graph_times(struct kiln_graph *graph, uint64_t *out_ns, size_t count)
{
	enum kiln_status status;
	uint64_t *ticks;

	KILN_TRY(check_times(graph, out_ns, count));
	KILN_TRY(kiln_ticket_wait(graph->device, graph->measured_by, KILN_WAIT_FOREVER));
	ticks = kiln_alloc_zero(2 * (size_t)graph->node_count, sizeof(*ticks));
	if (!ticks)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory reading a graph's times. Fix: free memory and call again");
	status = read_ticks(graph, ticks);
	if (status == KILN_OK)
		add_up(graph, ticks, out_ns);
	kiln_free(ticks);
	return status;
}
