// What a report gains where scripts run, first part: rows that fold, columns that sort, a filter. Without it everything
// is there to read.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const made = (tag, attributes = {}, text = "") => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
};

/** A row of a tree: its element, the row that it stands below, and whether others stand below it. */
const asRow = (element, above) => {
  const level = Number(element.dataset.l ?? 0);
  while (above.length > level) above.pop();
  const row = { element, level, parent: above.at(-1), group: element.classList.contains("group") };
  above.push(row);
  return row;
};

/** What a cell is worth: as `data-v` says, else a number, the product of a shape, or text. Undefined for nothing. */
const worth = (row, column) => {
  const exact = (row.element.dataset.v ?? "").split(",")[column];
  const text = row.element.cells[column].textContent.trim().replaceAll(",", "");
  if (exact || !text) return exact ? Number(exact) : undefined;
  if (column === 0 || text === "all") return column ? Infinity : text;
  const extents = text.split("×").map(Number);
  return extents.some(Number.isNaN) ? text : extents.reduce((product, extent) => product * extent, 1);
};

/** A text as keyboards write it, in small letters. */
const typed = (text) => text.toLowerCase().replaceAll("×", "x").replaceAll("→", "->");

/** Whether a word is in a row's label or path, or one of its shapes has these extents in a row. */
const says = (element, word) => {
  const [label, ...cells] = element.cells;
  return typed(`${label.textContent} ${label.dataset.path}`).includes(word)
    || cells.some(({ textContent }) => textContent.includes("×") && `x${typed(textContent)}x`.includes(`x${word}x`));
};

const compared = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));

class Layers {
  constructor(table) {
    this.table = table;
    this.body = table.tBodies[0];
    const above = [];
    this.rows = [...this.body.rows].map((element) => asRow(element, above));
    this.byElement = new Map(this.rows.map((row) => [row.element, row]));
    this.opened = new Set(this.rows.filter((row) => row.element.classList.contains("open")));
    this.sorted = null;
    this.noun = table.dataset.noun ?? "layers";
    table.classList.add("live");
    table.setAttribute("role", "treegrid");
    for (const row of this.rows) {
      row.element.setAttribute("aria-level", row.level + 1);
      row.element.tabIndex = -1;
    }
    this.rows[0].element.tabIndex = 0;
    this.addHeads();
    this.addBar();
    this.fold();
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.body.addEventListener("keydown", (event) => this.pressed(event));
  }

  get flat() {
    return this.table.classList.contains("flat");
  }

  isOpen(row) {
    return row.element.classList.contains("open");
  }

  isShown(row) {
    if (this.flat) return !row.element.matches(".out, .group:not(.found)");
    return !row.element.classList.contains("away");
  }

  /** Rows that stand for their layers as the table is now: an open one leaves that to those below it. */
  get speaking() {
    return this.rows.filter((row) => this.isShown(row) && (this.flat || !row.group || !this.isOpen(row)));
  }

  /** Hide what stands below closed rows, and say what is open. */
  fold() {
    for (const row of this.rows) {
      const { parent, element } = row;
      element.classList.toggle("away", !!parent && (parent.element.classList.contains("away") || !this.isOpen(parent)));
      if (row.group) element.setAttribute("aria-expanded", this.isOpen(row));
    }
  }

  toggle(row, open) {
    row.element.classList.toggle("open", open);
    this.fold();
  }

  clicked(event) {
    const row = this.byElement.get(event.target.closest("tr"));
    if (!row) return;
    this.enter(row, false);
    if (row.group && !this.flat && event.target.closest("th")) {
      event.stopPropagation();
      this.toggle(row);
    }
  }

  /** Make a row the one that Tab comes to. */
  enter(row, focus = true) {
    for (const other of this.rows) other.element.tabIndex = other === row ? 0 : -1;
    if (focus) row.element.focus();
  }

  pressed(event) {
    const row = this.byElement.get(event.target);
    if (!row) return;
    const shown = [...this.body.rows].map((element) => this.byElement.get(element)).filter((one) => this.isShown(one));
    const at = shown.indexOf(row);
    const go = { ArrowDown: shown[at + 1], ArrowUp: shown[at - 1], Home: shown[0], End: shown.at(-1) }[event.key];
    const tree = row.group && !this.flat;
    if (go) this.enter(go);
    else if (event.key === "ArrowRight" && tree && !this.isOpen(row)) this.toggle(row, true);
    else if (event.key === "ArrowLeft" && tree && this.isOpen(row)) this.toggle(row, false);
    else if (event.key === "ArrowLeft" && !this.flat && row.parent) this.enter(row.parent);
    else if (event.key === " " && tree) this.toggle(row);
    else return;
    event.preventDefault();
  }

  // ---------------------------------------------------------------------------------- sorting and finding

  addHeads() {
    this.heads = all("thead th", this.table);
    this.heads.forEach((head, column) => {
      const button = made("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => this.sortBy(column));
    });
  }

  addBar() {
    this.field = made("input", { type: "search", placeholder: `Find ${this.noun}`, "aria-label": `find ${this.noun}` });
    this.button = made("button", { type: "button" }, "Open all");
    this.output = made("output", { "aria-live": "polite" });
    const bar = made("div", { class: "tools" });
    bar.append(this.field, this.button, this.output);
    this.table.parentElement.before(bar);
    if (!this.rows.some((row) => row.group)) this.button.hidden = true;
    this.field.addEventListener("input", () => this.find());
    this.button.addEventListener("click", () => this.openAll());
  }

  /** Open every row; or, if that is done, those that were open at first. */
  openAll() {
    const every = this.button.textContent === "Open all";
    for (const row of this.rows) if (row.group) row.element.classList.toggle("open", every || this.opened.has(row));
    this.button.textContent = every ? "Fold" : "Open all";
    this.fold();
  }

  /** First the largest number or the first letter on top, then the other way round, then the tree again. */
  sortBy(column) {
    const values = new Map(this.rows.map((row) => [row, worth(row, column)]));
    const number = [...values.values()].some((value) => typeof value === "number");
    const orders = number ? ["descending", "ascending"] : ["ascending", "descending"];
    const now = this.heads[column].getAttribute("aria-sort");
    const next = orders[orders.indexOf(now) + 1];
    for (const head of this.heads) head.removeAttribute("aria-sort");
    this.sorted = next ?? null;
    if (!next) return this.place(this.rows);
    this.heads[column].setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const known = this.rows.filter((row) => values.get(row) !== undefined);
    const unknown = this.rows.filter((row) => values.get(row) === undefined);
    known.sort((a, b) => sign * compared(values.get(a), values.get(b)));
    return this.place([...known, ...unknown]);
  }

  place(rows) {
    this.body.append(...rows.map((row) => row.element));
    this.flatten();
  }

  /** Leave the rows that say every word; what folds is among them only where words are looked for. */
  find() {
    const words = typed(this.field.value).split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { element, group } of this.rows) {
      const fits = words.every((word) => says(element, word));
      element.classList.toggle("out", !fits);
      if (group) element.classList.toggle("found", fits && words.length > 0);
      count += fits;
    }
    this.output.textContent = words.length ? `${count} of ${this.rows.length} rows` : "";
    this.flatten();
  }

  /** Rows stand one below the other, without their tree, while they are sorted or searched. */
  flatten() {
    const flat = this.sorted !== null || this.field.value.trim() !== "";
    this.table.classList.toggle("flat", flat);
    if (flat) for (const { element } of this.rows) element.classList.remove("away");
    else this.fold();
  }

  /** As it was at first, so that every row can be reached. */
  reset() {
    this.field.value = "";
    this.find();
  }
}
