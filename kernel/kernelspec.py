"""The kernelspec: the small folder by which front ends find the kernel, and know how to start it."""

from __future__ import annotations

import importlib.resources
import json
import shutil
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

MODULE = "wirelab.kernel"


def write(folder: Path, *, display_name: str | None = None, loop: str | None = None) -> None:
    """Fill `folder` with a kernelspec that starts this very interpreter.

    None leaves the display name and the loop as the shipped kernelspec has them.
    """
    shipped = importlib.resources.files(__package__) / "spec"
    for entry in shipped.iterdir():
        with importlib.resources.as_file(entry) as path:
            shutil.copyfile(path, folder / entry.name)
    spec = json.loads((shipped / "kernel.json").read_text(encoding="utf-8"))
    # The shipped one says "python3", which a front end in another environment would take for its own.
    spec["argv"] = [sys.executable, "-m", MODULE, "-f", "{connection_file}"]
    if loop is not None:
        spec["argv"].append(f"--loop={loop}")
    if display_name is not None:
        spec["display_name"] = display_name
    (folder / "kernel.json").write_text(json.dumps(spec, indent=1) + "\n", encoding="utf-8")


def install(
    name: str = "wirelab",
    *,
    user: bool = False,
    prefix: str | None = None,
    display_name: str | None = None,
    loop: str | None = None,
) -> str:
    """Install a kernelspec that starts this interpreter, in place of one of the same name; give its folder.

    It goes to the user's Jupyter folder, below `prefix`, or, with neither, to the system's. Raises OSError
    when the place cannot be written, ValueError for a name Jupyter does not accept.
    """
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), display_name=display_name, loop=loop)
        return KernelSpecManager().install_kernel_spec(folder, name, user=user, prefix=prefix)


def installed() -> dict[str, tuple[str, list[str]]]:
    """The kernelspecs on Jupyter's path that start this kernel: name to (folder, argv)."""
    found = {}
    for name, folder in sorted(KernelSpecManager().find_kernel_specs().items()):
        try:
            spec = json.loads(Path(folder, "kernel.json").read_text(encoding="utf-8"))
            argv = [str(word) for word in spec["argv"]]
        except (OSError, ValueError, LookupError, TypeError):
            continue  # somebody else's, and broken: Jupyter itself passes it over too
        if MODULE in argv:
            found[name] = (folder, argv)
    return found


def uninstall(name: str = "wirelab") -> str:
    """Remove the kernelspec `name` and give its folder.

    Raises LookupError when none of that name starts this kernel, OSError when it cannot be removed.
    """
    try:
        folder, _ = installed()[name]
    except KeyError:
        raise LookupError(name) from None
    if Path(folder).is_symlink():
        Path(folder).unlink()
    else:
        shutil.rmtree(folder)
    return folder
