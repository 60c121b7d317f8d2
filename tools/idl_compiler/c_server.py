"""NAME_server.h and NAME_server.c: requests, the table of handlers, and the dispatch that checks before it calls."""

from idl_compiler import c_code as code
from idl_compiler import c_common as c
from idl_compiler.c_client import members, method_comment, reply_struct
from idl_compiler.model import Cap


def request_struct(interface, method):
    return f"struct {c.tag(interface, method.name)}_request"


def handler(interface, method):
    arguments = ["void *context", "u64 badge"]
    if method.request.params:
        arguments.append(f"{request_struct(interface, method)} *request")
    if method.reply.params:
        arguments.append(f"{reply_struct(interface, method)} *reply")
    kind = "void" if method.one_way else "enum status"
    return c.wrap_call(f"    {kind} (*{method.name})", arguments, ";")


def answer_declaration(interface, method, end):
    arguments = ["struct message *message"]
    if method.reply.params:
        arguments.append(f"const {reply_struct(interface, method)} *reply")
    return c.wrap_call(f"void {c.tag(interface, method.name)}_answer", arguments, end)


def dispatch_declaration(interface, end):
    return c.wrap_call(f"void {interface.name}_dispatch", [f"const struct {interface.name}_ops *ops", "void *context",
                                                           "struct message *message"], end)


def header(interface, path, prefix):
    guard = f"INTERFACES_{interface.name.upper()}_SERVER_H"
    lines = c.banner(path, f"Interface {interface.name}, for servers.")
    lines += [f"#ifndef {guard}", f"#define {guard}", "", '#include "ferrous/ipc.h"',
              f'#include "{prefix}{interface.name}_client.h"', ""]
    for method in interface.methods:
        if method.request.params:
            lines += [f"{request_struct(interface, method)} {{", *members(interface, method.request.params), "};", ""]
    lines += ["/*", " * The handlers. What *request holds was checked: counts, ends of strings, values of enums and",
              " * bools, types and rights of capabilities (a null one is an optional one that was not sent). It was",
              " * copied out of the message. `badge` tells the client. A handler fills *reply, which comes zeroed, and",
              " * returns OK or a status that its method names; another one reaches the client as SERVER_ERROR.",
              " *",
              " * Capabilities of a request are closed after the handler, but for those that it took: cap_take",
              " * (ferrous/typed.h). A handler that is NULL: the method is refused with NO_METHOD.", " */",
              f"struct {interface.name}_ops {{"]
    for method in interface.methods:
        lines += ["    " + line for line in method_comment(method)] + handler(interface, method)
    lines += ["};", "", "/* Serves one message: checks it, calls its handler, and makes *message the reply. Called",
              " * right after the receive, before any other use of the thread's message buffer. Accept",
              f" * {c.macro(interface, 'max_caps')} capabilities. */"]
    lines += dispatch_declaration(interface, ";") + [""]
    calls = [method for method in interface.methods if not method.one_way]
    if calls:
        lines.append("/* Make *message the answer to a call: for servers that reply after their handler returned. */")
        for method in calls:
            lines += answer_declaration(interface, method, ";")
        lines.append("")
    return lines + ["#endif"]


def source(interface, path, prefix):
    lines = c.banner(path, f"Interface {interface.name}: the server's side.")
    lines += [f'#include "{prefix}{interface.name}_server.h"', "", '#include "abi/rights.h"',
              '#include "ferrous/typed.h"', '#include "lib/string.h"', ""]
    requests = [method.request for method in interface.methods]
    lines += code.check_functions(interface, requests) + code.element_checks(requests)
    for method in interface.methods:
        if not method.one_way:
            lines += answer(interface, method) + [""]
        lines += serve(interface, method) + [""]
    return lines + dispatch(interface)


def answer(interface, method):
    body = ["struct typed_out typed_out;", "", f"typed_out_begin(&typed_out, {c.macro(interface, method.name)});"]
    body += code.put(method.reply, "reply->") + code.put_counts(method.reply)
    body.append("typed_answer(message, &typed_out);")
    return answer_declaration(interface, method, "") + ["{"] + ["    " + line if line else "" for line in body] + ["}"]


def serve(interface, method):
    kind = "MESSAGE_SEND" if method.one_way else "MESSAGE_CALL"
    declarations = code.shape_lines(method.request, kind)
    declarations += [f"{request_struct(interface, method)} request;"] * bool(method.request.params)
    declarations += [f"{reply_struct(interface, method)} reply;"] * bool(method.reply.params)
    declarations += ["struct typed_in typed_in;", "enum status status;"]
    body = declarations + ["", f"if (ops->{method.name} == NULL) {{", "    typed_refuse(message, STATUS_NO_METHOD);",
                           "    return;", "}"]
    body.append("typed_in_begin(&typed_in, message, &shape);")
    body += code.take(interface, method.request, "request.")
    body += ["status = typed_in_end(&typed_in);", "if (status != STATUS_OK) {",
             "    message_fail(message, status);", "    return;", "}"]
    body += call_handler(interface, method)
    return c.wrap_call(f"static void serve_{method.name}", [f"const struct {interface.name}_ops *ops", "void *context",
                                                            "struct message *message"], "") + \
        ["{"] + ["    " + line if line else "" for line in body] + ["}"]


def call_handler(interface, method):
    arguments = ["context", "message->badge"] + ["&request"] * bool(method.request.params)
    arguments += ["&reply"] * bool(method.reply.params)
    close = [f"typed_close(&request.{param.name}.cap);" for param in method.request.params
             if isinstance(param.type, Cap)]
    call = f"ops->{method.name}({', '.join(arguments)});"
    if method.one_way:
        return [call] + close + ["typed_done(message);"]
    lines = ["memset(&reply, 0, sizeof(reply));"] * bool(method.reply.params) + [f"status = {call}"] + close
    answered = f"{c.tag(interface, method.name)}_answer(message{', &reply' if method.reply.params else ''});"
    return lines + failure(method) + [answered]


def failure(method):
    """What a status other than OK becomes."""
    if method.fails is None:
        allowed = ["    message_fail(message, typed_status_is_known((u64)status) ? status : STATUS_SERVER_ERROR);"]
    elif method.fails:
        known = [f"status == STATUS_{name}" for name in method.fails]
        lines, line = [], "    message_fail(message, "
        for index, word in enumerate(known):
            piece = word + (" || " if index + 1 < len(known) else " ? status : STATUS_SERVER_ERROR);")
            if len(line) + len(piece) > 92:
                lines.append(line.rstrip())
                line = "                 "
            line += piece
        allowed = lines + [line]
    else:
        allowed = ["    message_fail(message, STATUS_SERVER_ERROR);"]
    return ["if (status != STATUS_OK) {"] + allowed + ["    return;", "}"]


def dispatch(interface):
    number, version = c.macro(interface, "interface"), c.macro(interface, "interface_version")
    lines = dispatch_declaration(interface, "") + ["{", "    switch (message_label(message)) {",
                                                   f"    case {c.macro(interface, 'version')}:",
                                                   f"        typed_answer_version(message, {number}, {version});",
                                                   "        break;"]
    for method in interface.methods:
        lines += [f"    case {c.macro(interface, method.name)}:",
                  f"        serve_{method.name}(ops, context, message);", "        break;"]
    return lines + ["    default:", "        typed_refuse(message, STATUS_NO_METHOD);", "        break;", "    }", "}"]
