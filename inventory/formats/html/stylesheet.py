"""The page's style sheet: two palettes, light and dark, and print, which is always light."""

from dataclasses import asdict

from inventory.report.palette import DARK, LIGHT, Palette


def style_sheet() -> str:
    """Return the whole style sheet."""
    return (
        f":root{{color-scheme:light dark;{_colours(LIGHT)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_colours(DARK)}}}}}\n{_RULES}"
    )


def _colours(palette: Palette) -> str:
    return "".join(f"--{name.replace('_', '-')}:#{colour};" for name, colour in asdict(palette).items())


_RULES = """\
*{box-sizing:border-box}
body{margin:0 auto;max-width:90rem;padding:1rem;background:var(--paper);color:var(--ink);
font:15px/1.45 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:break-word}
a{color:var(--link)}
header{background:var(--banner);color:var(--banner-soft);padding:1rem 1.2rem}
h1{margin:0 0 .3rem;color:var(--banner-ink);font-size:1.5rem}
header p{margin:0;overflow-wrap:anywhere}
h2{margin:2rem 0 .5rem;font-size:1.2rem}
h3{margin:.3rem .5rem;font-size:1rem}
nav{margin:1rem 0}
nav a{margin-right:1.2rem;white-space:nowrap}
.state{margin:1rem 0;padding:.6rem 1rem;font-weight:600;overflow-wrap:anywhere}
.good{background:var(--good);color:var(--good-ink)}
.bad{background:var(--bad);color:var(--bad-ink)}
.warn{background:var(--warn);color:var(--warn-ink)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;margin:0}
.cards div{background:var(--panel);border-top:3px solid var(--first-bar);padding:.6rem .8rem}
.cards dt,.cards .note{color:var(--soft);font-size:.85rem}
.cards dd{margin:0;overflow-wrap:anywhere}
.cards .value{font-size:1.3rem;font-weight:700;line-height:1.6}
.box{overflow:auto;max-height:85vh;border:1px solid var(--rule)}
.box:focus-visible{outline:3px solid var(--link)}
table{border-collapse:separate;border-spacing:0;width:max-content;min-width:100%;font-size:.87rem}
th,td{padding:.32rem .6rem;text-align:start;vertical-align:top;border-bottom:1px solid var(--rule);max-width:26rem;
white-space:pre-wrap;overflow-wrap:break-word}
th{position:sticky;top:0;background:var(--banner);color:var(--banner-ink);white-space:nowrap}
.n{text-align:end;white-space:nowrap;font-variant-numeric:tabular-nums}
th button{all:unset;cursor:pointer;white-space:nowrap}
th button::after{content:"\\2195";opacity:.55;padding-inline-start:.3em}
th[aria-sort=ascending] button::after{content:"\\2191";opacity:1}
th[aria-sort=descending] button::after{content:"\\2193";opacity:1}
th button:focus-visible{outline:2px solid var(--banner-ink);outline-offset:2px}
td:first-child{min-width:9rem;overflow-wrap:anywhere}.stacked td:first-child{min-width:0;white-space:nowrap}
td>b+code{display:block}
details{margin:.5rem 0;content-visibility:auto;contain-intrinsic-size:auto 3rem}
summary,.without{padding:.35rem .6rem;background:var(--panel);overflow-wrap:anywhere}
summary{cursor:pointer}
summary span,.without span{color:var(--soft);margin-inline-start:.5rem}
summary:focus-visible,input:focus-visible,a:focus-visible{outline:3px solid var(--link)}
input{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);padding:.2rem .4rem;
max-width:60vw}
code{font:.95em ui-monospace,"DejaVu Sans Mono",monospace}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1rem}
figure{margin:0;border:1px solid var(--rule);padding:.5rem}
svg{display:block;width:100%;height:auto;max-width:46rem;fill:var(--ink);
font:13px system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
svg .right{text-anchor:end}svg .middle{text-anchor:middle}svg .soft{fill:var(--soft)}
svg .rule{stroke:var(--rule)}svg .gap{stroke:var(--removed-bar);stroke-width:2;fill:none}
svg .line{stroke:var(--first-bar);stroke-width:2;fill:none}
svg .dot{fill:var(--first-bar)}svg .hollow{fill:var(--paper);stroke:var(--first-bar);stroke-width:2}
svg .first-bar{fill:var(--first-bar)}svg .second-bar{fill:var(--second-bar)}
svg .added-bar{fill:var(--added-bar)}svg .removed-bar{fill:var(--removed-bar)}
svg .changed-bar{fill:var(--changed-bar);stroke:var(--second-bar)}
.filter output,.remark,footer{color:var(--soft);font-size:.87rem}
footer{margin:2rem 0 1rem}
@media screen and (max-width:40rem){body{padding:.4rem}
td:first-child{min-width:0}th,td{padding:.3rem .45rem;max-width:52vw}
.stacked thead{display:none}.stacked,.stacked tbody{display:block;width:auto;min-width:0}
.stacked tr{display:flex;flex-wrap:wrap;gap:.1rem .8rem;padding:.4rem .5rem;border-bottom:1px solid var(--rule)}
.stacked td{display:block;padding:0;border:0;max-width:100%;min-width:0;overflow-wrap:anywhere}
.stacked td:empty{display:none}.stacked td:not(:first-child)>b::before{content:"\\2192\\A0"}}
@media print{@page{size:A4;margin:12mm}@page wide{size:A4 landscape}
html{font-size:11px}
body{padding:0;max-width:none;font-size:9.5pt}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
nav,.filter,th button::after{display:none}details::details-content{content-visibility:visible;block-size:auto}
details{content-visibility:visible}summary{list-style:none;break-after:avoid}
.box{overflow:visible;max-height:none;border:0}
table{width:100%;font-size:7pt}th,th.n{position:static;white-space:normal}th,td{padding:.15rem .3rem;max-width:14rem}
td:first-child{min-width:0}th button{display:contents}
td code{display:inline-block;min-width:11em;overflow-wrap:anywhere}
thead{display:table-header-group}tr,figure,.cards div{break-inside:avoid}h2,h3{break-after:avoid}
.cards{grid-template-columns:repeat(6,1fr)}.charts{grid-template-columns:1fr 1fr}
.page{break-before:page;page:wide}}
"""
