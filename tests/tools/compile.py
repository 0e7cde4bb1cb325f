#!/usr/bin/env python3
"""kiln compile on one driver: honest outcomes in two processes, and a cache that does not grow."""
import json
import struct
import sys

import support
from support import BAD_KERNEL, BAD_LAUNCH, EXPECTED_WARM, FAILURE, NO_DEVICE, OK, Skip

ENTRY_POINT = 15  # OpEntryPoint
REFUSALS = ("KILN_ERR_SPIRV_CAPABILITY", "KILN_ERR_WORKGROUP_LIMIT")


def real_compiler(of):
    """Only RADV gives blobs with code in them."""
    return of.driver == "radv_null"


def compile_all(kiln, shaders):
    """Every shader that this device can take, by file, and the whole answer."""
    process = kiln.start("compile", "--json", *shaders)
    text, messages = process.communicate(timeout=280)
    answer = json.loads(text)
    assert process.returncode == (BAD_KERNEL if answer["failed"] else OK), (process.returncode, messages)
    for kernel in answer["kernels"]:
        assert kernel["ok"] or kernel["error"]["status"] in REFUSALS, kernel
    return {kernel["file"]: kernel for kernel in answer["kernels"] if kernel["ok"]}, answer


def statistics_come_from_a_driver_that_keeps_them_and_are_refused_by_others(kiln):
    shader = kiln.shaders / "saxpy.spv"
    if not real_compiler(kiln):
        said = kiln("compile", shader, "--statistics", code=FAILURE)
        assert "VK_KHR_pipeline_executable_properties" in said.stderr and "Fix:" in said.stderr
        assert "saxpy" in said.stdout, "it is compiled all the same"
        return
    before = kiln.json("compile", shader)["kernels"][0]
    kernel = kiln.json("compile", shader, "--statistics")["kernels"][0]
    names = {one["name"]: one["value"] for one in kernel["statistics"]}
    assert kernel["subgroup_size"] in (32, 64) and names["VGPRs"] > 0, names
    assert kernel["outcome"] == "disk" and kernel["pipeline_id"] == before["pipeline_id"]
    assert "VGPRs" in kiln("compile", shader, "--statistics").stdout


def every_shader_is_compiled_once_and_found_by_the_next_process(kiln):
    shaders = sorted(kiln.shaders.glob("*.spv"))
    first, _ = compile_all(kiln, shaders)
    sizes = {one["path"]: one["file_bytes"] for one in kiln.json("cache", "ls")["entries"]}
    second, answer = compile_all(kiln, shaders)
    again = {one["path"]: one["file_bytes"] for one in kiln.json("cache", "ls")["entries"]}
    assert len(first) >= 10 and set(first) == set(second)
    assert sizes == again, "entries changed from run to run"
    for kernel in answer["kernels"]:
        if not kernel["ok"]:
            print(f"skip: {kernel['file'].rsplit('/')[-1]} on {kiln.driver}: {kernel['error']['message']}")
    for file in first:
        before, after = first[file], second[file]
        assert before["miss_reason"] != "none" and before["cache_hit"] is not True, before
        assert before["pipeline_id"] == after["pipeline_id"]
        if real_compiler(kiln):
            assert (before["outcome"], before["cache_hit"], before["stub"]) == ("compiled", False, False), before
            assert (after["outcome"], after["cache_hit"], after["miss_reason"]) == ("disk", True, "none"), after
            assert after["blob_bytes"] == before["blob_bytes"] > 0
        else:
            assert before["outcome"] in ("compiled", "unknown"), before
            assert after["outcome"] in ("compiled", "unknown"), ("a stub is no disk hit", after)
            assert after["cache_hit"] is not True, after
    assert answer["compiled"] == 0 or not real_compiler(kiln)


def manifest_agrees_with_the_report(kiln):
    kernel = kiln.json("compile", kiln.shader("saxpy"))["kernels"][0]
    manifest = kernel["manifest"]
    assert manifest["schema"] == 1
    for name in ("pipeline_id", "program_digest", "dispatch_policy", "cache_hit"):
        assert manifest[name] == kernel[name], name
    assert kernel["program_digest"] == kiln.json("reflect", kiln.shader("saxpy"))["program_digest"]


def expected_warm_fails_until_it_is_warm(kiln):
    answer = kiln.json("compile", "--expect-warm", kiln.shader("saxpy"), code=EXPECTED_WARM)
    assert answer["error"]["status"] == "KILN_ERR_EXPECTED_WARM" and "empty_cache" in answer["error"]["message"], answer
    kiln.json("compile", kiln.shader("saxpy"), env={"KILN_CACHE_EXPECT": "warm"}, code=EXPECTED_WARM)
    kiln.json("compile", kiln.shader("saxpy"))
    kiln.json("compile", "--expect-warm", kiln.shader("saxpy"), code=OK if real_compiler(kiln) else EXPECTED_WARM)


def other_workgroup_is_another_pipeline(kiln):
    first = kiln.json("compile", kiln.shader("saxpy"))["kernels"][0]
    second = kiln.json("compile", "--workgroup", "32", kiln.shader("saxpy"))["kernels"][0]
    assert second["workgroup"] == [32, 1, 1] and second["workgroup_source"] == "explicit"
    assert second["miss_reason"] == "dispatch_policy_changed" and second["pipeline_id"] != first["pipeline_id"]


def workgroup_the_kernel_cannot_have_is_a_bad_launch(kiln):
    literal = kiln.spirv("literal", "#version 450\nlayout(local_size_x = 64) in;\n"
                         "layout(binding = 0) buffer A { uint a[]; };\nvoid main() { a[0] = 1; }\n")
    for command in (("compile",), ("cache", "why")) + ((("run",),) if kiln.driver != "radv_null" else ()):
        more = ("--in", "zeros:u32:32") if command == ("run",) else ()
        answer = kiln.json(*command, literal, "--workgroup", "32", *more, code=BAD_LAUNCH)
        assert answer["error"]["status"] == "KILN_ERR_INVALID_ARGUMENT", answer


def no_cache_writes_nothing(kiln):
    kernel = kiln.json("compile", "--no-cache", kiln.shader("saxpy"))["kernels"][0]
    assert kernel["outcome"] in ("compiled", "unknown")
    assert kiln.json("cache", "ls")["entries"] == []


def failing_file_does_not_stop_the_others(kiln):
    bad = kiln.write("bad.spv", b"no kernel at all")
    answer = kiln.json("compile", bad, kiln.shader("saxpy"), kiln.path("missing.spv"), code=BAD_KERNEL)
    assert [kernel["ok"] for kernel in answer["kernels"]] == [False, True, False]
    assert answer["failed"] == 2 and answer["error"]["status"] == "KILN_ERR_SPIRV_MAGIC"
    table = kiln("compile", bad, kiln.shader("saxpy"), code=BAD_KERNEL).stdout.splitlines()
    assert len(table) == 3 and " failed " in table[1] and "saxpy.spv" in table[2], table


def with_second_entry(spirv):
    """The same function under a second name."""
    words = list(struct.unpack(f"<{len(spirv) // 4}I", spirv))
    at = 5
    while words[at] & 0xffff != ENTRY_POINT:
        at += words[at] >> 16
    length = words[at] >> 16
    copy = words[at:at + length]
    copy[3] = int.from_bytes(b"seco", "little")
    copy[4] = int.from_bytes(b"nd\0\0", "little")
    words[at + length:at + length] = copy
    return struct.pack(f"<{len(words)}I", *words)


def every_entry_point_is_compiled(kiln):
    path = kiln.write("two.spv", with_second_entry(kiln.shader("saxpy").read_bytes()))
    answer = kiln.json("compile", path)
    assert [(kernel["entry"], kernel["ok"]) for kernel in answer["kernels"]] == [("main", True), ("second", True)], answer
    assert answer["kernels"][0]["pipeline_id"] != answer["kernels"][1]["pipeline_id"]
    only = kiln.json("compile", path, "--entry", "second")
    assert [kernel["entry"] for kernel in only["kernels"]] == ["second"]
    kiln.json("compile", path, "--entry", "third", code=BAD_KERNEL)


def cache_ls_shows_what_was_compiled(kiln):
    kernel = kiln.json("compile", kiln.shader("saxpy"))["kernels"][0]
    entry, = kiln.json("cache", "ls")["entries"]
    assert entry["pipeline_id"] == kernel["pipeline_id"] and entry["dispatch_policy"] == kernel["dispatch_policy"]
    assert entry["stub"] == kernel["stub"] and entry["payload_bytes"] == kernel["blob_bytes"]
    assert entry["path"].startswith(str(kiln.cache)) and entry["kiln_version"]
    assert kernel["pipeline_id"][:12] in kiln("cache", "ls").stdout


def device_that_only_compiles_says_so_on_run(kiln):
    if kiln.driver != "radv_null":
        raise Skip("this device launches")
    answer = kiln.json("run", kiln.shader("saxpy"), "--threads", 1, "--push", "f32:1,u32:1", code=NO_DEVICE)
    assert "kiln compile" in answer["error"]["message"]
    assert [device["can_launch"] for device in kiln.json("info")["devices"]] == [False]


def info_marks_the_chosen_device(kiln):
    answer = kiln.json("info")
    chosen, = [device for device in answer["devices"] if device["chosen"]]
    assert chosen["score"] == max(device["score"] for device in answer["devices"]) and chosen["why"]
    assert chosen["limits"]["max_workgroup_threads"] >= 128
    for select in (str(chosen["index"]), chosen["name"], chosen["uuid"]):
        assert [device["index"] for device in kiln.json("info", "--device", select)["devices"] if device["chosen"]] == \
            [chosen["index"]]
    kiln.json("info", "--device", "no such device", code=NO_DEVICE)
    assert chosen["name"] in kiln("info").stdout
    assert not kiln.cache.exists()


def info_tells_how_much_memory_is_left(kiln):
    chosen, = [device for device in kiln.json("info")["devices"] if device["chosen"]]
    memory = chosen["memory"]
    if not chosen["can_launch"]:
        assert memory["heaps"] == [] and memory["total"]["size"] == 0 and memory["import_alignment"] == 0, memory
        return
    assert memory["allocations"] <= memory["max_allocations"] and memory["imported"] == 0
    for name in ("size", "budget", "usage", "left", "allocated", "used"):
        assert memory["total"][name] == sum(heap[name] for heap in memory["heaps"]), (name, memory)
    for heap in memory["heaps"]:
        assert 0 < heap["budget"] <= heap["size"] and heap["used"] <= heap["allocated"] <= heap["size"], heap
        assert heap["left"] == max(0, heap["budget"] - heap["usage"]), heap
    text = kiln("info").stdout
    assert "left of a budget of" in text and ("(estimate)" in text) == memory["estimated"], text
    assert ("in place, in units of" in text) == (memory["import_alignment"] > 0), text


if __name__ == "__main__":
    sys.exit(support.main(globals()))
