"""What XML text must not contain as it is, for `str.translate`.

The standard library's escape() loads urllib with it, which costs every tool 20 ms of its start.
"""

IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
IN_ATTRIBUTE = IN_TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
"""For a value between double quotes."""
