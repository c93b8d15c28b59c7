# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page in Debian's Chromium, without a window: what axe says of it, how wide it is, and how full its prints are."""

import html
import json
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
AXE = ROOT / '.cache/axe/axe_playwright_python/axe.min.js'
# Each width has a frame of its own, in which the page believes that it is the whole window.
HARNESS = """<!doctype html><html lang="en"><title>frames</title><body>{frames}<pre id="told"></pre><script>
const told = {{}};
addEventListener('message', (event) => {{
    told[event.data.width] = event.data;
    if (Object.keys(told).length === {count}) document.getElementById('told').textContent = JSON.stringify(told);
}});
</script></body></html>"""
FRAME = '<iframe title="{width}" width="{width}" height="900" srcdoc="{page}"></iframe>'
ASK = """<script>{axe}</script><script>
addEventListener('load', () => {{
    document.querySelectorAll('details').forEach((each) => {{ each.open = {open}; }});
    const root = document.documentElement;
    const cut = Array.from(document.querySelectorAll('body *')).filter((each) => {{
        const style = getComputedStyle(each);
        return each.scrollWidth > each.clientWidth + 1 && each.clientWidth && style.overflowX === 'hidden';
    }}).map((each) => each.outerHTML.slice(0, 200));
    axe.run(document, {{iframes: false, resultTypes: ['violations']}}).then((found) => parent.postMessage({{
        width: {width}, shown: root.clientWidth, needed: root.scrollWidth, cut,
        violations: found.violations.map((each) => [each.id, each.impact, each.nodes.map((node) => node.html)]),
    }}, '*'));
}});
</script>"""


def chromium(*options):
    """What Chromium prints. As root, in a container, it has no sandbox of its own."""
    return subprocess.run(
        ['chromium', '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
         '--hide-scrollbars', *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120,
        check=True).stdout


def look(page, folder, widths, dark=False, folded=False):
    """{width: {shown, needed, cut, violations}} of a page's text: pixels of the window and of what is in it."""
    # What the page forbids is what asks here.
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', '', page)
    axe = AXE.read_text(encoding='utf-8')
    frames = ''.join(FRAME.format(width=width, page=html.escape(page.replace('</head>', ASK.format(
        axe=axe, width=width, open='false' if folded else 'true') + '</head>'))) for width in widths)
    path = folder / 'frames.html'
    path.write_text(HARNESS.format(frames=frames, count=len(widths)), encoding='utf-8')
    shown = chromium('--window-size=1400,1000', '--virtual-time-budget=60000',
                     '--blink-settings=preferredColorScheme=%d' % (0 if dark else 1), '--dump-dom', path.as_uri())
    told = json.loads(html.unescape(re.search(r'<pre id="told">(.*?)</pre>', shown, re.DOTALL).group(1)))
    return {int(width): found for width, found in told.items()}


def prints(page, folder):
    """How far down each printed sheet of a page's text is used, as a share of its height."""
    path, target = folder / 'page.html', folder / 'page.pdf'
    path.write_text(page, encoding='utf-8')
    chromium('--no-pdf-header-footer', '--print-to-pdf=%s' % target, path.as_uri())
    words = subprocess.run(['pdftotext', '-bbox', str(target), '-'], stdout=subprocess.PIPE, text=True,
                           check=True).stdout
    sheets = re.findall(r'<page width="[\d.]+" height="([\d.]+)">(.*?)</page>', words, re.DOTALL)
    return [max([float(low) for low in re.findall(r'yMax="([\d.]+)"', sheet)] or [0]) / float(height)
            for height, sheet in sheets]
