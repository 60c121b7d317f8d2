"""The manual of the system calls: a page for each, true of abi/ and sdk/, its code accepted by the compiler."""

from ferrous import manual
from ferrous.outcome import failed, passed, result


def run(context):
    calls, pages, words = manual.calls(), manual.pages(), manual.known_words()
    yield result("each system call has a page, and no other page is there", manual.set_problems(calls, pages))
    sections = manual.overview()
    for call in calls:
        if call.name in pages:
            problems = manual.problems_of(pages[call.name], call, words) + \
                manual.overview_problems(call.name, pages[call.name], sections)
            yield result(f"manual page of {call.name}", problems)
    yield result("the manual's index is as generated", manual.index_problems(calls, pages))
    if context.make("idl"):
        yield failed("the manual's code compiles", "make idl failed")
        return
    problems = manual.compile_problems(context, pages)
    yield failed("the manual's code compiles", "\n".join(problems)) if problems else \
        passed("the manual's code compiles", count=2 * len(pages))
