/* The GLSL module: glslang behind one C symbol, opened by libkiln at the first GLSL source. C++ because
 * glslang 12's C interface has neither include callbacks nor source names; nothing of C++ leaves this
 * file. */
#include <limits.h>
#include <string.h>

#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include <glslang/Public/ResourceLimits.h>
#include <glslang/Public/ShaderLang.h>
#include <glslang/SPIRV/GlslangToSpv.h>

#include "glsl_module.h"

namespace
{

/* Vulkan 1.1 with SPIR-V 1.4 is the KHR extension; the other versions came with a Vulkan version of their
 * own. */
struct target {
	uint32_t spirv_version;
	glslang::EShTargetClientVersion client;
	glslang::EShTargetLanguageVersion language;
};

const target targets[] = {
	{0x00010000, glslang::EShTargetVulkan_1_0, glslang::EShTargetSpv_1_0},
	{0x00010100, glslang::EShTargetVulkan_1_1, glslang::EShTargetSpv_1_1},
	{0x00010200, glslang::EShTargetVulkan_1_1, glslang::EShTargetSpv_1_2},
	{0x00010300, glslang::EShTargetVulkan_1_1, glslang::EShTargetSpv_1_3},
	{0x00010400, glslang::EShTargetVulkan_1_1, glslang::EShTargetSpv_1_4},
	{0x00010500, glslang::EShTargetVulkan_1_2, glslang::EShTargetSpv_1_5},
	{0x00010600, glslang::EShTargetVulkan_1_3, glslang::EShTargetSpv_1_6},
};

const target *find_target(uint32_t spirv_version)
{
	for (const target &t : targets)
		if (t.spirv_version == spirv_version)
			return &t;
	return nullptr;
}

/* Hands glslang's include requests to libkiln, which owns the texts until the compile ends. */
class includer : public glslang::TShader::Includer
{
      public:
	explicit includer(const kiln_glsl_job *job) : job_(job)
	{
	}

	IncludeResult *includeLocal(const char *name, const char *from, size_t depth) override
	{
		return include(name, from, depth, true);
	}
	IncludeResult *includeSystem(const char *name, const char *from, size_t depth) override
	{
		return include(name, from, depth, false);
	}
	void releaseInclude(IncludeResult *result) override
	{
		delete result;
	}

      private:
	IncludeResult *include(const char *name, const char *from, size_t depth, bool local)
	{
		const kiln_glsl_include *found = job_->include(job_->user, name, from, depth, local);
		return found ? new IncludeResult(found->name, found->text, found->bytes, nullptr) : nullptr;
	}

	const kiln_glsl_job *job_;
};

/* Once per process and never undone: other users of the module may be compiling at any moment. */
void initialise_once()
{
	static std::once_flag once;
	std::call_once(once, [] { glslang::InitializeProcess(); });
}

void set_up(glslang::TShader &shader, const kiln_glsl_job &job, const target &to, const char **source,
            int *length, const char **name)
{
	*source = job.source;
	*length = (int)job.source_bytes;
	*name = job.file_name;
	shader.setStringsWithLengthsAndNames(source, length, name, 1);
	shader.setPreamble(job.preamble);
	shader.setEnvInput(glslang::EShSourceGlsl, EShLangCompute, glslang::EShClientVulkan, 100);
	shader.setEnvClient(glslang::EShClientVulkan, to.client);
	shader.setEnvTarget(glslang::EShTargetSpv, to.language);
}

kiln_glsl_result refuse(const kiln_glsl_job &job, const std::string &why)
{
	job.message(job.user, why.c_str());
	return KILN_GLSL_REFUSED;
}

kiln_glsl_result hand_over(const kiln_glsl_job &job, const std::vector<unsigned int> &words)
{
	const size_t bytes = words.size() * sizeof(words[0]);
	void *memory = job.words(job.user, bytes);
	if (!memory)
		return KILN_GLSL_OUT_OF_MEMORY;
	memcpy(memory, words.data(), bytes);
	return KILN_GLSL_COMPILED;
}

kiln_glsl_result compile_checked(const kiln_glsl_job &job)
{
	const target *to = find_target(job.spirv_version);
	if (!to)
		return refuse(job, "the front end cannot target this SPIR-V version");
	if (job.source_bytes > INT_MAX)
		return refuse(job, "the source is too long for the front end");
	initialise_once();

	const auto rules = (EShMessages)(EShMsgSpvRules | EShMsgVulkanRules);
	const char *source, *name;
	int length;
	glslang::TShader shader(EShLangCompute);
	set_up(shader, job, *to, &source, &length, &name);
	includer includes(&job);
	if (!shader.parse(GetDefaultResources(), 450, ECoreProfile, false, false, rules, includes))
		return refuse(job, shader.getInfoLog());

	glslang::TProgram program;
	program.addShader(&shader);
	if (!program.link(rules))
		return refuse(job, program.getInfoLog());

	spv::SpvBuildLogger logger;
	glslang::SpvOptions options;
	std::vector<unsigned int> words;
	glslang::GlslangToSpv(*program.getIntermediate(EShLangCompute), words, &logger, &options);
	if (words.empty())
		return refuse(job, logger.getAllMessages());
	return hand_over(job, words);
}

/* No exception may cross into C. */
kiln_glsl_result compile(const kiln_glsl_job *job)
{
	try {
		return compile_checked(*job);
	} catch (const std::bad_alloc &) {
		return KILN_GLSL_OUT_OF_MEMORY;
	} catch (const std::exception &failure) {
		job->message(job->user, failure.what());
		return KILN_GLSL_REFUSED;
	}
}

} // namespace

extern "C" const struct kiln_glsl_module kiln_glsl_module = {
	KILN_GLSL_MODULE_ABI,
	KILN_VERSION,
	KILN_GLSL_FRONT_END,
	compile,
};
