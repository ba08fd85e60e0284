// Second part: pictures and tables point at each other's layers.

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const centre = (element) =>
  element.scrollIntoView({ block: "center", inline: "nearest", behavior: calm.matches ? "auto" : "smooth" });

/** Scroll the frame around a part of a picture, and nothing else, until that part is in sight. */
const bring = (element) => {
  const frame = element.closest(".scroll");
  const [inner, outer] = [element.getBoundingClientRect(), frame.getBoundingClientRect()];
  const [top, bottom] = [Math.max(outer.top, 0), Math.min(outer.bottom, innerHeight)];
  const away = inner.top < top || inner.bottom > bottom;
  const beside = inner.left < outer.left || inner.right > outer.right;
  if (top >= bottom || !(away || beside)) return;
  frame.scrollTo({
    top: frame.scrollTop + (away ? (inner.top + inner.bottom - top - bottom) / 2 : 0),
    left: frame.scrollLeft + (beside ? (inner.left + inner.right - outer.left - outer.right) / 2 : 0),
    behavior: calm.matches ? "auto" : "smooth",
  });
};

const stretches = (element) =>
  (element.dataset.layers || "").split(",").filter(Boolean).map((stretch) => stretch.split(":").map(Number));
const meet = (some, others) => some.some(([start, stop]) => others.some(([from, to]) => start < to && from < stop));

/** The parts of one network: its tables, and the elements of pictures that stand for layers. */
class Network {
  constructor(root) {
    this.root = root;
    const own = (selector) => all(selector, root).filter((element) => element.closest("[data-net]") === root);
    this.tables = own("table.layers").filter((table) => table.tBodies[0].rows.length).map((table) => new Layers(table));
    this.shapes = own("svg [data-layers]");
    this.stretches = new Map([...this.shapes, ...this.tables.flatMap((table) => table.rows.map((row) => row.element))]
      .map((element) => [element, stretches(element)]));
    this.marked = new Set();
    this.held = false;
    for (const kind of ["pointerover", "focusin"]) root.addEventListener(kind, (event) => this.point(event));
    for (const kind of ["pointerleave", "focusout"]) root.addEventListener(kind, () => this.held || this.mark(null));
    root.addEventListener("pointermove", (event) => this.moved(event));
    root.addEventListener("click", (event) => this.follow(event));
    root.addEventListener("keydown", () => (this.held = false), true);
    root.addEventListener("keydown", (event) => this.pressed(event));
    this.drawn = this.shapes.filter((shape) => shape.closest(".drawing"));
    this.drawn.forEach((shape, at) => shape.setAttribute("tabindex", at ? -1 : 0));
  }

  /** The element with layers that an event is about. */
  about(event) {
    const element = event.target.closest("[data-layers]");
    return this.stretches.has(element) ? element : null;
  }

  /** What was followed stays marked while the page scrolls to it below the pointer, until that moves itself. */
  moved(event) {
    if (!this.held || !(event.movementX || event.movementY)) return;
    this.held = false;
    this.point(event);
  }

  point(event) {
    if (this.held || event.target.closest("[data-net]") !== this.root) return;
    const element = this.about(event);
    this.mark(element);
    const drawn = this.drawn.find((shape) => shape !== element && this.marked.has(shape));
    if (drawn && !element.closest(".drawing")) bring(drawn);
  }

  /** Elsewhere than in an element's own picture or table, what shows the same layers. */
  fellows(element) {
    const layers = this.stretches.get(element);
    const owner = element.closest("svg, table");
    const rows = this.tables.flatMap((table) => table.speaking.map((row) => row.element));
    return [...rows, ...this.shapes]
      .filter((one) => one.closest("svg, table") !== owner && meet(layers, this.stretches.get(one)));
  }

  mark(element) {
    for (const one of this.marked) one.classList.remove("marked");
    this.marked = new Set(element ? [element, ...this.fellows(element)] : []);
    for (const one of this.marked) one.classList.add("marked");
  }

  /** From a picture to the table, from the table to the drawing. */
  follow(event) {
    const element = this.about(event);
    if (!element || String(getSelection()) || event.target.closest("[data-net]") !== this.root) return;
    this.go(element);
  }

  go(element) {
    const inTable = element.matches("tr");
    const wanted = () => this.fellows(element).filter((one) => (inTable ? one.closest(".drawing") : one.matches("tr")));
    if (!inTable && !wanted().length) this.tables.forEach((table) => table.reset());
    const [other] = wanted();
    if (!other) return;
    this.mark(element);
    this.held = true;
    centre(other);
  }

  pressed(event) {
    const element = this.about(event);
    if (element !== event.target || !element) return;
    const at = this.drawn.indexOf(element);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (event.key === "Enter") this.go(element);
    else if (at >= 0 && step && this.drawn[at + step]) {
      element.setAttribute("tabindex", -1);
      this.drawn[at + step].setAttribute("tabindex", 0);
      this.drawn[at + step].focus();
    } else return;
    event.preventDefault();
  }
}

all("[data-net]").forEach((root) => new Network(root));
