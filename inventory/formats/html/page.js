"use strict";
// Sorts and filters the tables of a report. The page is complete without it: buttons and the field for the filter are
// made visible here only. It reads texts and moves rows, and makes no markup of what it reads.
(() => {
  const SCALES = { "": 1, K: 1e3, M: 1e6, B: 1e9, T: 1e12 };
  const byText = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;

  // Reads 1,024, 4.23 GB, \u221238.29 GB, 33.5% and, where a letter scales it, 360M and 235B-A22B; else it is no number.
  function numberIn(text, scaled) {
    const parts = /^([+\u2212-]?)([\d,]*\.?\d+)\s?([KMBT]?)/i.exec(text);
    if (!parts) return NaN;
    const scale = scaled ? SCALES[parts[3].toUpperCase()] : 1;
    return Number(parts[2].replaceAll(",", "")) * scale * (parts[1] && parts[1] !== "+" ? -1 : 1);
  }

  // Compares two cells; blank ones come last in either direction.
  function comparison(kind, direction) {
    return ([one], [other]) => {
      if (!one || !other) return Number(!one) - Number(!other);
      if (kind === "t") return direction * byText(one, other);
      const [first, second] = [one, other].map((text) => numberIn(text, kind === "p"));
      if (isNaN(first) || isNaN(second)) return Number(isNaN(first)) - Number(isNaN(second)) || byText(one, other);
      return direction * (first - second);
    };
  }

  // Joins the texts of a cell with spaces, or a word could begin in a name and end in the key beneath it.
  function textsIn(cell) {
    return Array.from(cell.childNodes, (node) => node.textContent).join(" ");
  }

  function sort(table, head) {
    const kind = head.classList.contains("n") ? "n" : head.classList.contains("p") ? "p" : "t";
    const sorted = head.getAttribute("aria-sort");
    // Numbers begin with the largest, texts with the first of the alphabet.
    const isAscending = sorted ? sorted === "descending" : kind === "t";
    const body = table.tBodies[0];
    const pairs = Array.from(body.rows, (row) => [row.cells[head.cellIndex].textContent.trim(), row]);
    pairs.sort(comparison(kind, isAscending ? 1 : -1));
    for (const [, row] of pairs) body.append(row);
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
  }

  for (const table of document.querySelectorAll("table")) {
    if (table.tBodies[0].rows.length < 2) continue;
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  }

  for (const bar of document.querySelectorAll(".filter")) {
    const field = bar.querySelector("input");
    const shown = bar.querySelector("output");
    const groups = Array.from(bar.parentElement.querySelectorAll("details"), (group) => {
      const name = group.querySelector("summary b").textContent;
      const rows = Array.from(group.querySelector("tbody").rows, (row) => [row, null]);
      return { group, name, rows, wasOpen: group.open };
    });
    const total = groups.reduce((sum, { rows }) => sum + rows.length, 0);
    let isFiltered = false;

    function filter() {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let matches = 0;
      for (const entry of groups) {
        if (!isFiltered) entry.wasOpen = entry.group.open;
        let here = 0;
        for (const pair of entry.rows) {
          pair[1] ??= [entry.name, ...Array.from(pair[0].cells, textsIn)].join(" ").toLowerCase();
          pair[0].hidden = !words.every((word) => pair[1].includes(word));
          here += !pair[0].hidden;
        }
        entry.group.hidden = !here;
        entry.group.open = words.length ? here > 0 : entry.wasOpen;
        matches += here;
      }
      isFiltered = words.length > 0;
      shown.textContent = isFiltered ? `${matches.toLocaleString("en")} of ${total.toLocaleString("en")}` : "";
    }

    field.addEventListener("input", filter);
    bar.hidden = false;
  }
})();
