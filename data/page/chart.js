// A share over time: a line with its interval as a band around it, and marks where something happened.
import {draw, make, say} from "./dom.js";
import {clock, interval, moment} from "./words.js";

const HEIGHT = 200;
const LEFT = 50, RIGHT = 12, TOP = 10, BOTTOM = 24;

/** Points that follow each other; a hole much wider than the steps before it, or an unknown value, ends a run. */
export function runs(points) {
	const found = [];
	let run = [];
	for (const point of points) {
		const before = run[run.length - 1];
		const step = run.length > 1 ? before.ms - run[run.length - 2].ms : 0;
		if (before && (point.of === null || point.ms - before.ms > Math.max(120000, 6 * step))) {
			found.push(run);
			run = [];
		}
		if (point.of !== null) {
			run.push(point);
		}
	}
	return [...found, run].filter((part) => part.length > 0);
}

const STEPS = [60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400, 172800].map((seconds) => seconds * 1000);

function ticks(from, to, most) {
	const step = STEPS.find((size) => (to - from) / size <= most) ?? STEPS[STEPS.length - 1];
	const offset = new Date(from).getTimezoneOffset() * 60000;
	const found = [];
	for (let ms = Math.ceil((from - offset) / step) * step + offset; ms < to; ms += step) {
		found.push(ms);
	}
	return {found, days: step >= STEPS[8]};
}

export class Chart {
	constructor(parent) {
		this.svg = draw("svg", {height: HEIGHT, role: "img", tabindex: 0, class: "chart"});
		this.reading = make("output", {class: "reading"});
		this.parts = {points: [], events: [], from: 0, to: 1};
		this.at = -1;
		parent.append(this.svg, this.reading);
		new ResizeObserver(() => this.redraw()).observe(parent);
		this.parent = parent;
		this.svg.addEventListener("keydown", (event) => this.step(event));
		this.svg.addEventListener("pointermove", (event) => this.point(event));
		this.svg.addEventListener("pointerleave", () => this.read(-1));
		this.svg.addEventListener("blur", () => this.read(-1));
	}

	/** points: [{ms, of: {value, low, high} or null}] in order of time; events: [{ms, text}]. */
	show(points, events, from, to) {
		this.parts = {points, events, from, to};
		this.at = -1;
		this.redraw();
	}

	x(ms) {
		const {from, to} = this.parts;
		return LEFT + (ms - from) / (to - from) * (this.width - LEFT - RIGHT);
	}

	y(share) {
		return TOP + (1 - Math.max(0, Math.min(1, share))) * (HEIGHT - TOP - BOTTOM);
	}

	axes() {
		const {from, to} = this.parts;
		const lines = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
			draw("line", {class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: this.y(share), y2: this.y(share)}),
			draw("text", {class: "axis", x: LEFT - 8, y: this.y(share) + 4, "text-anchor": "end"}, `${100 * share} %`),
		]);
		const {found, days} = ticks(from, to, Math.max(2, Math.floor(this.width / 110)));
		const times = found.map((ms) => draw("text", {class: "axis", x: this.x(ms), y: HEIGHT - 6, "text-anchor": "middle"},
			days ? new Date(ms).toLocaleDateString([], {day: "numeric", month: "short"}) : clock(ms, false)));
		return [...lines, ...times];
	}

	curve(run) {
		const path = (ends) => ends.map(([ms, share], i) => `${i ? "L" : "M"}${this.x(ms).toFixed(1)} ${this.y(share).toFixed(1)}`).join("");
		const band = [...run.map((p) => [p.ms, p.of.high]), ...run.map((p) => [p.ms, p.of.low]).reverse()];
		if (run.length === 1) {
			const [only] = run;
			return [draw("circle", {class: "dot", cx: this.x(only.ms), cy: this.y(only.of.value), r: 3})];
		}
		return [draw("path", {class: "band", d: `${path(band)}Z`}),
			draw("path", {class: "line", d: path(run.map((p) => [p.ms, p.of.value]))})];
	}

	redraw() {
		this.width = Math.max(240, Math.floor(this.parent.clientWidth));
		this.svg.setAttribute("width", this.width);
		this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
		const {points, events} = this.parts;
		const marks = events.map((event) => draw("line", {class: "event", x1: this.x(event.ms), x2: this.x(event.ms),
			y1: TOP, y2: HEIGHT - BOTTOM}));
		this.cursor = draw("line", {class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden"});
		this.svg.replaceChildren(...this.axes(), ...marks, ...runs(points).flatMap((run) => this.curve(run)), this.cursor);
		this.svg.setAttribute("aria-label", this.summary());
		this.read(this.at);
	}

	known() {
		return this.parts.points.filter((point) => point.of !== null);
	}

	summary() {
		const known = this.known();
		if (known.length === 0) {
			return "nothing is known of this time";
		}
		const values = known.map((point) => point.of.value);
		const percent = (value) => `${Math.round(100 * value)} %`;
		return `${known.length} points, from ${percent(values[0])} to ${percent(values[values.length - 1])}, ` +
			`lowest ${percent(Math.min(...values))}, highest ${percent(Math.max(...values))}`;
	}

	read(index) {
		const point = this.known()[index];
		this.at = point ? index : -1;
		this.cursor?.setAttribute("visibility", point ? "visible" : "hidden");
		say(this.reading, point ? `${moment(point.ms)}: ${interval(point.of)}` : this.summary());
		if (point) {
			this.cursor.setAttribute("x1", this.x(point.ms));
			this.cursor.setAttribute("x2", this.x(point.ms));
		}
	}

	step(event) {
		const last = this.known().length - 1;
		const to = {ArrowLeft: this.at < 0 ? last : Math.max(0, this.at - 1),
			ArrowRight: this.at < 0 ? 0 : Math.min(last, this.at + 1), Home: 0, End: last}[event.key];
		if (to !== undefined) {
			event.preventDefault();
			this.read(to);
		}
	}

	point(event) {
		const place = event.clientX - this.svg.getBoundingClientRect().left;
		let best = -1;
		for (const [index, point] of this.known().entries()) {
			if (best < 0 || Math.abs(this.x(point.ms) - place) < Math.abs(this.x(this.known()[best].ms) - place)) {
				best = index;
			}
		}
		this.read(best);
	}
}
