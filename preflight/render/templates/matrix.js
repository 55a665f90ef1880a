// SPDX-License-Identifier: Apache-2.0
"use strict";
(() => {
  // What the reader chose is kept in the address, behind the anchor: #ANCHOR~q=WORDS&hide=1&sort=3d
  const table = document.getElementById("matrix");
  const filter = document.getElementById("matrix-filter");
  const hide = document.getElementById("matrix-hide");
  const narrow = document.getElementById("matrix-hide-columns");
  const count = document.getElementById("matrix-count");
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  let anchor = "";
  let restoring = false;

  const sorting = () => {
    const column = heads.findIndex((head) => /ascending|descending/.test(head.getAttribute("aria-sort")));
    return column < 0 ? "" : column + heads[column].getAttribute("aria-sort")[0];
  };
  const remember = () => {
    if (restoring) return;
    const state = new URLSearchParams();
    if (filter.value) state.set("q", filter.value);
    if (hide.checked) state.set("hide", "1");
    if (narrow.checked) state.set("columns", "1");
    if (sorting()) state.set("sort", sorting());
    const text = state.toString();
    const hash = anchor || text ? "#" + anchor + (text ? "~" + text : "") : "";
    try {
      history.replaceState(null, "", hash || location.pathname + location.search);
    } catch {
      // a page in a sandbox may not change its address; all else works without
    }
  };
  // A word that is in the name of an object chooses columns, any other word chooses rows.
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const named = (word) => heads.some((head) => (head.dataset.names || "").includes(word));
    const inRow = (word) => rows.some((row) => row.cells[0].textContent.toLowerCase().includes(word));
    const columnWords = words.filter((word) => named(word) && !inRow(word));
    const rowWords = words.filter((word) => !columnWords.includes(word));
    const out = heads.map(
      (head) => "names" in head.dataset && !columnWords.every((word) => head.dataset.names.includes(word)),
    );
    for (const row of table.rows) for (const cell of row.cells) cell.hidden = out[cell.cellIndex];
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = (hide.checked && "pass" in row.dataset) || !rowWords.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    table.classList.toggle("narrow", narrow.checked);
    const columns = out.filter((gone, index) => !gone && "names" in heads[index].dataset).length;
    count.textContent =
      shown + " of " + rows.length + " rows" + (columnWords.length ? ", " + columns + " columns" : "");
    remember();
  };
  const choose = (id) => {
    for (const cell of table.querySelectorAll(".chosen")) cell.classList.remove("chosen");
    anchor = id;
    const cell = document.getElementById(id);
    if (cell && table.contains(cell)) cell.classList.add("chosen");
  };
  const restore = () => {
    let text = location.hash.slice(1);
    try {
      text = decodeURIComponent(text.split("~")[0]) + (text.includes("~") ? "~" + text.split("~").slice(1).join("~") : "");
    } catch {
      text = "";
    }
    const state = new URLSearchParams(text.includes("~") ? text.slice(text.indexOf("~") + 1) : "");
    restoring = true;
    if (text.includes("~")) {
      filter.value = state.get("q") || "";
      hide.checked = state.get("hide") === "1";
      narrow.checked = state.get("columns") === "1";
      const wanted = /^(\d{1,5})([ad])$/.exec(state.get("sort") || "");
      const button = wanted && heads[wanted[1]] && heads[wanted[1]].querySelector("button");
      if (button) {
        if (sorting() !== wanted[1] + "a") button.click();
        if (wanted[2] === "d") button.click();
      }
    }
    restoring = false;
    choose(text.split("~")[0]);
    apply();
    const target = anchor && document.getElementById(anchor);
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
      if (node.tagName === "TR") node.hidden = false;
    }
    if (target) target.scrollIntoView({ block: "center", inline: "center" });
  };

  filter.addEventListener("input", apply);
  hide.addEventListener("change", apply);
  narrow.addEventListener("change", apply);
  table.tHead.addEventListener("click", remember);
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td[id]");
    if (!cell || event.target.closest("a")) return;
    choose(cell.id);
    remember();
  });
  table.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const cell = event.target.closest("td[id]");
    if (!step || !cell || event.ctrlKey || event.altKey || event.metaKey) return;
    let row = cell.parentElement;
    let index = cell.cellIndex;
    for (;;) {
      if (step[0]) {
        do row = step[0] < 0 ? row.previousElementSibling : row.nextElementSibling;
        while (row && row.hidden);
      } else index += step[1];
      const next = row && row.cells[index];
      if (!next || !next.id) return;
      const link = next.offsetParent !== null && next.querySelector("a");
      if (link) {
        event.preventDefault();
        choose(next.id);
        link.focus();
        remember();
        return;
      }
    }
  });
  addEventListener("hashchange", restore);
  restore();
})();
