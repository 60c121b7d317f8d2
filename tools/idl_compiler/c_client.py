"""NAME_client.h and NAME_client.c: replies, and one function per method that sends the request and takes the reply."""

from idl_compiler import c_code as code
from idl_compiler import c_common as c


def reply_struct(interface, method):
    return f"struct {c.tag(interface, method.name)}_reply"


def members(interface, params):
    lines = []
    for param in params:
        lines += c.comment(param.comment, "    ")
        lines += ["    " + line for line in c.member(interface, param)]
    return lines


def stub_arguments(interface, method):
    arguments = ["endpoint_t server"]
    for param in method.request.params:
        arguments += c.argument(interface, param)
    arguments.append("u64 deadline_ns")
    if method.reply.params:
        arguments.append(f"{reply_struct(interface, method)} *reply")
    return arguments


def method_comment(method):
    """What the interface says of the method, where its parameters travel, how it can fail."""
    lines = [method.comment] if method.comment else []
    lines += ["Takes " + c.describe(param) + "." for param in method.request.params]
    lines += ["Gives " + c.describe(param) + "." for param in method.reply.params]
    if method.one_way:
        lines.append("One way: OK says that it was delivered or queued.")
    elif method.fails is None:
        lines.append("Fails with any status.")
    elif method.fails:
        lines.append(f"Fails with {', '.join(method.fails)}.")
    if method.since > 1:
        lines.append(f"Since version {method.since}.")
    return c.comment("\n".join(lines))


def header(interface, path, prefix):
    guard = f"INTERFACES_{interface.name.upper()}_CLIENT_H"
    lines = c.banner(path, f"Interface {interface.name}, for clients.")
    lines += ["/* Deadlines are absolute, in ns since boot. Besides what a method names, every status of `call` can",
              " * come back, and BAD_MESSAGE where request or reply do not fit the interface. *reply means nothing",
              " * after a failure; the capabilities in it belong to the caller after a success. */",
              f"#ifndef {guard}", f"#define {guard}", "", '#include "abi/status.h"', '#include "ferrous/handle.h"',
              f'#include "{prefix}{interface.name}.h"', ""]
    for method in interface.methods:
        if method.reply.params:
            lines += [f"{reply_struct(interface, method)} {{", *members(interface, method.reply.params), "};", ""]
    lines += ["/* Which version of this interface the server speaks. BAD_MESSAGE: none at all. */",
              f"enum status {interface.name}_version(endpoint_t server, u64 deadline_ns, u32 *version) MUST_USE;", ""]
    for method in interface.methods:
        lines += method_comment(method)
        lines += c.wrap_call(f"enum status {c.tag(interface, method.name)}", stub_arguments(interface, method),
                             " MUST_USE;")
        lines.append("")
    return lines + ["#endif"]


def source(interface, path, prefix):
    lines = c.banner(path, f"Interface {interface.name}: the client's side.")
    lines += [f'#include "{prefix}{interface.name}_client.h"', "", '#include "abi/rights.h"',
              '#include "ferrous/typed.h"', ""]
    replies = [method.reply for method in interface.methods]
    lines += code.check_functions(interface, replies) + code.element_checks(replies)
    lines += [f"enum status {interface.name}_version(endpoint_t server, u64 deadline_ns, u32 *version)", "{",
              f"    return typed_version(server, {c.macro(interface, 'interface')}, deadline_ns, version);", "}", ""]
    for method in interface.methods:
        lines += stub(interface, method) + [""]
    return lines[:-1]


def stub(interface, method):
    name = c.tag(interface, method.name)
    lines = c.wrap_call(f"enum status {name}", stub_arguments(interface, method), "")
    body = [] if method.one_way else code.shape_lines(method.reply, "MESSAGE_REPLY")
    body += ["struct typed_out typed_out;"] + ["struct typed_in typed_in;"] * (not method.one_way)
    body += ["", f"typed_out_begin(&typed_out, {c.macro(interface, method.name)});"]
    body += code.put(method.request, "") + code.put_counts(method.request)
    if method.one_way:
        body.append("return typed_send(server, &typed_out, deadline_ns);")
    else:
        body.append("typed_call(server, &typed_out, &shape, deadline_ns, &typed_in);")
        body += code.take(interface, method.reply, "reply->")
        body.append("return typed_in_end(&typed_in);")
    return lines + ["{"] + ["    " + line if line else "" for line in body] + ["}"]
