#include "tune_lane.h"

#include <math.h>
#include <string.h>

#include <base/clock.h>
#include <base/error.h>

#include "device.h"
#include "stream_command.h"

/* ---- The clock ---- */

struct kiln_tune_clock kiln_tune_clock_of(uint32_t valid_bits, double period_ns)
{
	struct kiln_tune_clock clock = {0};

	if (valid_bits == 0 || !isfinite(period_ns) || period_ns <= 0)
		return clock;
	clock.mask = valid_bits >= 64 ? UINT64_MAX : (UINT64_C(1) << valid_bits) - 1;
	clock.period_ns = period_ns;
	return clock;
}

#define CLOCK_SLACK_NS 2e6 /* two clocks are read at different moments, and neither is exact */

bool kiln_tune_clock_between(const struct kiln_tune_clock *clock, uint64_t from, uint64_t to,
                             uint64_t host_ns, double *out_ns)
{
	double ns = (double)((to - from) & clock->mask) * clock->period_ns;
	double round = ((double)clock->mask + 1) * clock->period_ns;

	if (ns > 1.1 * (double)host_ns + CLOCK_SLACK_NS || (double)host_ns >= round)
		return false;
	*out_ns = ns;
	return true;
}

/* ---- Making and freeing ---- */

static enum kiln_status create_queries(struct kiln_tune_lane *lane)
{
	struct kiln_device *device = lane->device;
	VkQueryPoolCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
		.queryType = VK_QUERY_TYPE_TIMESTAMP,
		.queryCount = 2,
	};
	enum kiln_status status = KILN_OK;

	lane->clock = kiln_tune_clock_of(device->info.timestamp_bits, device->info.timestamp_period_ns);
	if (!lane->clock.mask)
		return KILN_OK;
	KILN_VK_NEW(device, status, out, lane->queries,
	            device->vk.vkCreateQueryPool(device->handle, &info, NULL, &lane->queries));
out:
	return status;
}

static enum kiln_status create(struct kiln_tune_lane *lane)
{
	KILN_TRY(kiln_command_create(lane->device, lane->device->queues[0].family, &lane->pool, &lane->commands,
	                             &lane->fence));
	return create_queries(lane);
}

enum kiln_status kiln_tune_lane_init(struct kiln_tune_lane *lane, struct kiln_device *device,
                                     uint64_t timeout_ns)
{
	enum kiln_status status;

	*lane = (struct kiln_tune_lane){.device = device, .timeout_ns = timeout_ns};
	status = create(lane);
	if (status != KILN_OK)
		kiln_tune_lane_finish(lane);
	return status;
}

static void destroy_objects(struct kiln_tune_lane *lane)
{
	struct kiln_device *device = lane->device;

	if (lane->queries)
		device->vk.vkDestroyQueryPool(device->handle, lane->queries, NULL);
	if (lane->fence)
		device->vk.vkDestroyFence(device->handle, lane->fence, NULL);
	if (lane->pool)
		device->vk.vkDestroyCommandPool(device->handle, lane->pool, NULL);
	lane->queries = VK_NULL_HANDLE;
	lane->fence = VK_NULL_HANDLE;
	lane->pool = VK_NULL_HANDLE;
}

void kiln_tune_lane_finish(struct kiln_tune_lane *lane)
{
	if (!lane->device || lane->stuck)
		return;
	destroy_objects(lane);
	memset(lane, 0, sizeof(*lane));
}

void kiln_tune_lane_lose(struct kiln_tune_lane *lane)
{
	destroy_objects(lane);
	lane->gone = true;
}

/* ---- Recording ---- */

#define UNUSABLE_MAX 3u /* then the device's clock is not believed any more */

bool kiln_tune_lane_has_stamps(const struct kiln_tune_lane *lane)
{
	return lane->queries && lane->unusable < UNUSABLE_MAX;
}

enum kiln_status kiln_tune_lane_begin(struct kiln_tune_lane *lane)
{
	struct kiln_device *device = lane->device;
	VkCommandBufferBeginInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
	};
	enum kiln_status status = KILN_OK;

	KILN_TRY(kiln_device_check(device));
	if (lane->gone)
		return kiln_error(KILN_ERR_CANCELLED,
		                  "the tuning ended when device '%s' was lost and reopened. Fix: tune again",
		                  device->info.name);
	lane->stamped = false;
	KILN_VK(device, status, out, device->vk.vkResetFences(device->handle, 1, &lane->fence));
	KILN_VK(device, status, out, device->vk.vkResetCommandPool(device->handle, lane->pool, 0));
	KILN_VK(device, status, out, device->vk.vkBeginCommandBuffer(lane->commands, &info));
	if (lane->queries)
		device->vk.vkCmdResetQueryPool(lane->commands, lane->queries, 0, 2);
out:
	return status;
}

void kiln_tune_lane_barrier(struct kiln_tune_lane *lane)
{
	kiln_command_barrier(lane->device, lane->commands);
}

/* Both stamps are taken when all before them is done: the first must not reach back into what precedes it. */
void kiln_tune_lane_stamp(struct kiln_tune_lane *lane, uint32_t which)
{
	if (!lane->queries)
		return;
	lane->stamped = true;
	lane->device->vk.vkCmdWriteTimestamp(lane->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
	                                     lane->queries, which);
}

/* ---- Running ---- */

static enum kiln_status submit(struct kiln_tune_lane *lane)
{
	struct kiln_device *device = lane->device;
	struct kiln_device_queue *queue = &device->queues[0];
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
		.commandBufferCount = 1,
		.pCommandBuffers = &lane->commands,
	};
	enum kiln_status status = KILN_OK;

	kiln_command_to_host(device, lane->commands);
	KILN_VK(device, status, out, device->vk.vkEndCommandBuffer(lane->commands));
	kiln_device_queue_ready(device, queue);
	kiln_device_queue_lock(queue);
	KILN_VK(device, status, unlock, device->vk.vkQueueSubmit(queue->handle, 1, &info, lane->fence));
unlock:
	kiln_device_queue_unlock(queue);
out:
	return status;
}

static enum kiln_status give_up(struct kiln_tune_lane *lane)
{
	lane->stuck = true;
	kiln_device_abandon(lane->device);
	return kiln_error(KILN_ERR_TIMEOUT,
	                  "device '%s' did not finish a trial launch within %llu ms and is given up. Fix: "
	                  "open it again; look for an endless loop that only this configuration runs into",
	                  lane->device->info.name, (unsigned long long)(lane->timeout_ns / 1000000));
}

/* Some drivers' longest wait is shorter than asked for, so the host's clock has the last word. */
static enum kiln_status wait(struct kiln_tune_lane *lane)
{
	struct kiln_device *device = lane->device;
	uint64_t start = kiln_now_ns(), passed = 0;
	VkResult result;

	do {
		result = device->vk.vkWaitForFences(device->handle, 1, &lane->fence, VK_TRUE,
		                                    lane->timeout_ns - passed);
		passed = kiln_now_ns() - start;
	} while (result == VK_TIMEOUT && passed < lane->timeout_ns);
	if (result == VK_TIMEOUT)
		return give_up(lane);
	if (result >= 0)
		return KILN_OK;
	/* Nothing may be freed on the word of a wait that failed: without memory to wait, the device is asked to idle. */
	if (result != VK_ERROR_DEVICE_LOST && kiln_device_idle(device) == VK_SUCCESS)
		return KILN_OK;
	kiln_device_lose(device);
	(void)kiln_device_idle(device);
	return kiln_device_vk_error(device, result, "vkWaitForFences");
}

static double read_stamps(struct kiln_tune_lane *lane, uint64_t host_ns)
{
	struct kiln_device *device = lane->device;
	uint64_t stamps[2] = {0, 0};
	double ns = -1;

	if (!lane->stamped || !kiln_tune_lane_has_stamps(lane))
		return (double)host_ns;
	if (device->vk.vkGetQueryPoolResults(device->handle, lane->queries, 0, 2, sizeof(stamps), stamps,
	                                     sizeof(stamps[0]), VK_QUERY_RESULT_64_BIT) == VK_SUCCESS &&
	    kiln_tune_clock_between(&lane->clock, stamps[0], stamps[1], host_ns, &ns) && ns > 0) {
		lane->unusable = 0;
		return ns;
	}
	lane->unusable++;
	return -1;
}

enum kiln_status kiln_tune_lane_run(struct kiln_tune_lane *lane, double *out_ns)
{
	uint64_t start = kiln_now_ns(), host_ns;

	KILN_TRY(submit(lane));
	KILN_TRY(wait(lane));
	host_ns = kiln_now_ns() - start;
	if (out_ns)
		*out_ns = read_stamps(lane, host_ns);
	return KILN_OK;
}
