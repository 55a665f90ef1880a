// SPDX-License-Identifier: Apache-2.0
"use strict";
document.documentElement.classList.add("scripted");
for (const box of document.querySelectorAll("input[data-filters]")) {
  const rows = document.getElementById(box.dataset.filters).querySelectorAll("tbody tr");
  const status = document.getElementById(box.dataset.filters + "-count");
  const apply = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    status.textContent = shown + " of " + rows.length + " rows";
  };
  box.addEventListener("input", apply);
  apply();
}
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const heads = table.querySelectorAll("thead th");
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.key || row.cells[column].textContent.trim();
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }));
      if (!up) rows.reverse();
      body.append(...rows);
    });
  });
}
const anchored = () => {
  try {
    return document.getElementById(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return null; // an address with half an escape names nothing
  }
};
const open = () => {
  const target = anchored();
  for (let node = target; node; node = node.parentElement) {
    if (node.tagName === "DETAILS") node.open = true;
  }
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", open);
open();
