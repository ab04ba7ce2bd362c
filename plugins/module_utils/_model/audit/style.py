# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the report looks: on a phone, on a desk, by night and on paper."""

from __future__ import annotations

STYLE = """
:root{--ink:#1b2430;--soft:#5a6675;--paper:#fff;--ground:#f3f5f8;--line:#d9dfe7;--accent:#1f5fa8;
--high:#a3161f;--high-ground:#fdecec;--medium:#8a4b00;--medium-ground:#fff3df;--low:#1f5fa8;--low-ground:#e8f1fb;
--info:#4a5563;--info-ground:#eceff3;--good:#1c6b3a;--good-ground:#e6f5eb}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf2;--soft:#a3afbe;--paper:#182029;--ground:#10161d;--line:#303c4a;--accent:#85b8f5;
--high:#ff9c9c;--high-ground:#3d1a1e;--medium:#ffc773;--medium-ground:#3a2a10;--low:#93c2fb;--low-ground:#16293f;
--info:#bcc7d4;--info-ground:#232e3a;--good:#86dba4;--good-ground:#143322}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;overflow-wrap:anywhere;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,header,footer{max-width:68rem;margin:0 auto;padding:0 1rem}
header{padding-top:2rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.25rem;margin:2.25rem 0 .75rem}
h3{font-size:1.05rem;line-height:1.35;margin:0}
p{margin:.4rem 0}
a{color:var(--accent)}
.verdict{font-size:1.1rem;color:var(--soft);margin:0}
.name,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.875em;overflow-wrap:anywhere}
.counts{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:.75rem;list-style:none;margin:1.25rem 0;padding:0}
.counts li{border-radius:.6rem;padding:.7rem .9rem;background:var(--info-ground);color:var(--info)}
.counts b{display:block;font-size:1.9rem;line-height:1.1;font-variant-numeric:tabular-nums}
.counts .high{background:var(--high-ground);color:var(--high)}.counts .medium{background:var(--medium-ground);color:var(--medium)}
.counts .low{background:var(--low-ground);color:var(--low)}
.counts .zero{background:var(--paper);color:var(--soft);box-shadow:inset 0 0 0 1px var(--line)}
dl{display:flex;flex-wrap:wrap;gap:.35rem 2rem;margin:0;color:var(--soft)}
dl div{display:flex;gap:.4rem}dt::after{content:":"}dd{margin:0;color:var(--ink);overflow-wrap:anywhere}
.card{background:var(--paper);border:1px solid var(--line);border-left:.3rem solid var(--info);border-radius:.5rem;padding:.9rem 1.1rem;
margin:0 0 .9rem;overflow-wrap:anywhere}
.card.high{border-left-color:var(--high)}.card.medium{border-left-color:var(--medium)}.card.low{border-left-color:var(--low)}
.top{display:flex;flex-wrap:wrap;gap:.3rem .7rem;align-items:baseline}
.badge{display:inline-block;border-radius:1rem;padding:.05rem .6rem;font-size:.8rem;font-weight:600;background:var(--info-ground);
color:var(--info);white-space:nowrap}
.badge.high,.badge.bad{background:var(--high-ground);color:var(--high)}.badge.medium,.badge.unseen{background:var(--medium-ground);
color:var(--medium)}.badge.low{background:var(--low-ground);color:var(--low)}.badge.good{background:var(--good-ground);color:var(--good)}
.kind{color:var(--soft);font-size:.85rem;margin-left:auto}
.remedy{color:var(--soft)}
.items{list-style:none;margin:.6rem 0 0;padding:0}
.items li{padding:.5rem 0;border-top:1px solid var(--line)}
.items li>div{display:inline-block;margin-right:1.2rem}.items li>span{display:block;color:var(--soft)}
.calm{background:var(--good-ground);color:var(--good);border-radius:.5rem;padding:.9rem 1.1rem}
.none{color:var(--soft)}
.plain{list-style:none;margin:0;padding:0}
table{width:100%;border-collapse:separate;border-spacing:0;background:var(--paper);border:1px solid var(--line);border-radius:.5rem;
margin:0 0 1rem;font-size:.925rem;table-layout:fixed}
caption{text-align:left;font-weight:600;padding:0 0 .4rem;overflow-wrap:anywhere}
th,td{padding:.55rem .8rem;text-align:left;vertical-align:top;border-top:1px solid var(--line);overflow-wrap:anywhere;font-weight:400}
thead th{border-top:0;color:var(--soft);font-size:.825rem;font-weight:600}
.label{display:none}
details{margin:0 0 1rem}summary{cursor:pointer;padding:.3rem 0;overflow-wrap:anywhere}details[open]>summary{margin-bottom:.5rem}
footer{color:var(--soft);font-size:.875rem;padding-top:1.5rem;padding-bottom:3rem}
footer ul{padding-left:1.1rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:44rem){
.counts{grid-template-columns:repeat(2,minmax(0,1fr))}
h1{font-size:1.45rem}
.kind{margin-left:0;width:100%}
table,tbody,tr,th,td,caption{display:block}
table{border:0;background:none}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{background:var(--paper);border:1px solid var(--line);border-radius:.5rem;margin-bottom:.7rem;padding:.35rem 0}
tbody th,tbody td{border:0;padding:.25rem .9rem}
tbody th{font-weight:600}
tbody td{display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:.6rem}
.label{display:block;color:var(--soft)}
}
@media print{
:root{--ink:#000;--soft:#444;--paper:#fff;--ground:#fff;--line:#bbb;--accent:#000;--high:#8a0d15;--high-ground:#fff;--medium:#6b3a00;
--medium-ground:#fff;--low:#123f73;--low-ground:#fff;--info:#333;--info-ground:#fff;--good:#0e4a26;--good-ground:#fff}
@page{margin:15mm}
body{font-size:10pt}
main,header,footer{max-width:none;padding:0}
.card,tr,.counts li{break-inside:avoid}h2,h3,caption,summary{break-after:avoid}thead{display:table-header-group}
.badge,.counts li{border:1px solid currentColor}
details::details-content{content-visibility:visible;display:block;block-size:auto}
}
"""
