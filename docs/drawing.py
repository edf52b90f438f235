# SPDX-License-Identifier: MIT
"""What the drawings of these pages have in common: SVG, the same bytes for the
same input on every machine."""

from xml.sax.saxutils import escape

HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: MIT -->
<!-- made by {script} -->
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" \
viewBox="0 0 {width} {height}" role="img" aria-labelledby="{labels}" \
font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="13">
"""


def number(value):
    """At most one digit behind the point, on every machine."""
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return value


class Drawing:
    def __init__(self):
        self.parts = []

    def add(self, name, text=None, **attributes):
        pairs = "".join(
            f' {key.rstrip("_").replace("_", "-")}="{number(value)}"'
            for key, value in attributes.items())
        end = "/>" if text is None else f">{escape(text)}</{name}>"
        self.parts.append(f"<{name}{pairs}{end}")

    def svg(self, script, width, height, title, before, desc=None):
        """before: elements that stand in front of the drawing."""
        head = HEAD.format(script=script, width=width, height=height,
                           labels="title desc" if desc else "title")
        head += f'<title id="title">{escape(title)}</title>\n'
        if desc:
            head += f'<desc id="desc">{escape(desc)}</desc>\n'
        return head + before + "\n" + "\n".join(self.parts) + "\n</svg>\n"
