"""What the page looks like, and the script that sorts and filters its tables."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1f;--dim:#666;--paper:#fff;--line:#ccc;--mark:#1f5fbf;
--loud:#8a1c1c}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8ec;--dim:#a0a0a8;--paper:#17171b;--line:#444;
--mark:#7db0ff;--loud:#ff9a9a}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;
margin:2rem auto;padding:0 1rem}
h1,h2,h3,p,figcaption,li{overflow-wrap:anywhere}
h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem}
.dim{color:var(--dim)}.loud{color:var(--loud);font-weight:700;border:2px solid;padding:.6rem}
section{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{border:1px solid var(--line);padding:.2rem .5rem;text-align:left;vertical-align:top}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid}
input{margin-bottom:.4rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;width:max-content;max-width:min(40rem,75vw);
margin:.3rem 0}
svg{display:block;min-width:36rem;height:auto;font:12px system-ui,sans-serif}
svg text{fill:var(--ink)}svg .dim{fill:var(--dim)}.grid{stroke:var(--line)}
.bar{stroke:var(--mark);stroke-width:3}
.dot{fill:var(--mark)}figure{margin:1rem 0;overflow-x:auto}figcaption{font-weight:600}
@media print{:root{color-scheme:light;--ink:#000;--dim:#444;--paper:#fff;--line:#bbb;
--mark:#1f5fbf;--loud:#8a1c1c}body{max-width:none;margin:0;padding:0;font-size:9pt}
input,th button{display:none}th::before{content:attr(data-head)}table{font-size:8pt}
section,figure{overflow:visible}td,th{padding:.1rem .25rem}tr,figure{break-inside:avoid}
h2,h3,figcaption{break-after:avoid}svg{min-width:0;max-width:100%}}
"""

SCRIPT = """
const value=c=>{if(c==='–')return -Infinity;const n=parseFloat(c.replace(/,/g,''));
return isNaN(n)?c.toLowerCase():n};
const order=(p,q)=>typeof p===typeof q?(p>q)-(p<q):typeof p==='number'?-1:1;
document.querySelectorAll('section').forEach(s=>{const b=s.querySelector('tbody');
s.querySelectorAll('th button').forEach((h,i)=>{let up=true;h.addEventListener('click',()=>{
const of=r=>value(r.cells[i].textContent);
const rows=[...b.rows].sort((x,y)=>order(of(x),of(y)));if(!up)rows.reverse();up=!up;
rows.forEach(r=>b.append(r))})});
const f=s.querySelector('input');if(f)f.addEventListener('input',()=>{const w=f.value.toLowerCase();
for(const r of b.rows)r.hidden=!r.textContent.toLowerCase().includes(w)})});
"""
