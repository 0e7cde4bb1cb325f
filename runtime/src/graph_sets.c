/* Descriptor sets of a graph's launches: made once, written when an argument changes. */
#include "graph.h"

#include <base/alloc.h>
#include <base/error.h>

#include "device.h"
#include "pipeline.h"
#include "stream_command.h"

#define POOL_NODES 512u /* in one pool */

/* By enum kiln_binding_type, less 1: what launches pass comes first in it, samplers last. */
static void count_descriptors(const struct kiln_graph_node *node,
                              VkDescriptorPoolSize sizes[KILN_BINDING_SAMPLER])
{
	for (size_t i = 0; i < node->entry->binding_count; i++)
		sizes[node->entry->bindings[i].layout.type - 1].descriptorCount +=
			node->entry->bindings[i].layout.count;
}

static enum kiln_status make_pool(struct kiln_graph *graph, uint32_t first, uint32_t count)
{
	VkDescriptorPoolSize sizes[KILN_BINDING_SAMPLER];
	VkDescriptorPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
		.flags = kiln_descriptor_pool_flags(graph->device),
		.maxSets = 1,
		.poolSizeCount = KILN_BINDING_SAMPLER,
		.pPoolSizes = sizes,
	};
	VkDescriptorPool *pools = kiln_realloc(graph->pools, (graph->pool_count + 1u) * sizeof(*pools));
	enum kiln_status status = KILN_OK;

	if (!pools)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory recording a graph. Fix: free memory and call again");
	graph->pools = pools;
	for (uint32_t type = 1; type <= KILN_BINDING_SAMPLER; type++)
		sizes[type - 1] = (VkDescriptorPoolSize){kiln_descriptor_type(type), 1};
	for (uint32_t i = first; i < first + count; i++) {
		if (graph->nodes[i].operation != KILN_GRAPH_LAUNCH)
			continue;
		info.maxSets += graph->nodes[i].pipeline->set_count;
		count_descriptors(&graph->nodes[i], sizes);
	}
	KILN_VK(graph->device, status, out,
	        graph->device->vk.vkCreateDescriptorPool(graph->device->handle, &info, NULL,
	                                                 &pools[graph->pool_count]));
	graph->pool_count++;
out:
	return status;
}

static enum kiln_status make_node_sets(struct kiln_graph *graph, struct kiln_graph_node *node)
{
	VkDescriptorSetAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
		.descriptorPool = graph->pools[graph->pool_count - 1],
	};
	enum kiln_status status = KILN_OK;

	if (node->operation != KILN_GRAPH_LAUNCH || node->pipeline->set_count == 0 || node->sets)
		return KILN_OK;
	info.descriptorSetCount = node->pipeline->set_count;
	info.pSetLayouts = node->pipeline->sets;
	node->sets = kiln_alloc_zero(node->pipeline->set_count, sizeof(VkDescriptorSet));
	if (!node->sets)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY,
		                  "out of memory recording a graph. Fix: free memory and call again");
	KILN_VK(graph->device, status, out,
	        graph->device->vk.vkAllocateDescriptorSets(graph->device->handle, &info, node->sets));
	kiln_graph_write_sets(graph, node);
out:
	return status;
}

enum kiln_status kiln_graph_make_sets(struct kiln_graph *graph)
{
	for (uint32_t first = 0; first < graph->node_count; first += POOL_NODES) {
		uint32_t left = graph->node_count - first,
			 count = left < POOL_NODES ? left : POOL_NODES;

		KILN_TRY(make_pool(graph, first, count));
		for (uint32_t i = first; i < first + count; i++)
			KILN_TRY(make_node_sets(graph, &graph->nodes[i]));
	}
	return KILN_OK;
}

void kiln_graph_write_sets(struct kiln_graph *graph, struct kiln_graph_node *node)
{
	const struct kiln_stream_launch launch = {
		.entry = node->entry,
		.bindings = node->bindings,
		.binding_count = node->binding_count - node->indirect,
	};

	kiln_command_write_sets(graph->device, &launch, node->sets);
}
