"""Whether a new description of an interface still understands the clients and servers of an old one."""

from idl_compiler.tables import interface_json


def problems(old, new):
    """What has changed that may not, as texts; an addition that did not raise the version is one."""
    found = []
    before, now = interface_json(old), interface_json(new)
    if (before["name"], before["number"]) != (now["name"], now["number"]):
        found.append(f"'{old.name}' ({old.number}) is now '{new.name}' ({new.number})")
    if new.version < old.version:
        found.append(f"version {new.version} is below version {old.version}")
    methods = {method["number"]: method for method in now["methods"]}
    for method in before["methods"]:
        found += method_problems(method, methods.pop(method["number"], None), old.version)
    for method in methods.values():
        if method["since"] <= old.version:
            found.append(f"method '{method['name']}' is new, so it says 'since' a version above {old.version}")
    for name, values in before["enums"].items():
        if now["enums"].get(name) != values:
            found.append(f"the values of enum '{name}' have changed: who knows the old ones refuses the others")
    for name, struct in before["structs"].items():
        if now["structs"].get(name) != struct:
            found.append(f"the layout of structure '{name}' has changed")
    return found


def method_problems(old, new, version):
    if new is None:
        return [f"method '{old['name']}' ({old['number']}) is gone"]
    found = []
    for what in ("one_way", "request", "reply"):
        if old[what] != new[what]:
            found.append(f"{what.replace('_', ' ')} of method '{old['name']}' has changed: give it a new number")
    if old["fails"] is not None and (new["fails"] is None or set(new["fails"]) - set(old["fails"])):
        found.append(f"method '{old['name']}' fails in more ways than clients of version {version} know")
    return found
