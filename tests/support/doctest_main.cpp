// The main function of every doctest program. Cases that needs.hpp skips are listed, for run.sh.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdio>

namespace {

struct SkipReporter : doctest::IReporter {
    explicit SkipReporter(const doctest::ContextOptions&) {}

    void test_case_skipped(const doctest::TestCaseData& test) override {
        if (test.m_skip) std::printf("skipped: %s: %s\n", test.m_name, test.m_description);
    }

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_start(const doctest::TestCaseData&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
};

}  // namespace

REGISTER_LISTENER("skips", 1, SkipReporter);
