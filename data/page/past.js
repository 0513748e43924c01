// A guest's past: its locality over time, and what was decided and done.
import {Chart} from "./chart.js";
import {find, make, mark, rows, say} from "./dom.js";
import {ask} from "./feed.js";
import {bytes, duration, moment} from "./words.js";

const REFRESH_MS = 10000;
const POINTS = 5000, LINES = 100, SHOWN = 30;

function outcome(record) {
	const stayed = record.stayed_bytes ? `, ${bytes(record.stayed_bytes)} stayed` : "";
	const message = record.message ? `: ${record.message}` : "";
	return `move ${record.operation} ${record.outcome}: ${bytes(record.moved_bytes)} in ${duration(record.elapsed_ns)}${stayed}${message}`;
}

function decision(record) {
	const homes = record.home.map((cell) => `cell ${cell.cell} on ${cell.nodes}`).join(", ");
	const changed = record.home_changed && homes ? ` (home: ${homes})` : "";
	return `${record.verdict}${record.reason ? `: ${record.reason}` : ""}${changed}`;
}

export class Past {
	constructor() {
		this.chart = new Chart(find("chart"));
		this.name = null;
		this.asked = 0;
		find("span").addEventListener("change", () => this.refresh());
	}

	open(name) {
		this.name = name;
		this.asked = 0;
		this.chart.show([], [], Date.now() - this.seconds() * 1000, Date.now());
		find("past").replaceChildren();
		this.refresh();
	}

	seconds() {
		return Number(find("span").querySelector("input:checked").value);
	}

	/** Not more often than samples are kept. */
	tick() {
		if (this.name !== null && Date.now() - this.asked > REFRESH_MS) {
			this.refresh();
		}
	}

	async refresh() {
		const {name} = this;
		const seconds = this.seconds();
		const path = `v1/guests/${encodeURIComponent(name)}/history?since=${seconds}`;
		this.asked = Date.now();
		try {
			const [samples, deeds] = await Promise.all([ask(`${path}&kind=samples&cell=-1&limit=${POINTS}`),
				ask(`${path}&kind=decisions,moves&limit=${LINES}`)]);
			if (name === this.name && seconds === this.seconds()) {
				this.show(samples.body, deeds.body, seconds);
			}
		} catch (error) {
			if (name === this.name) {
				this.problem(error.message);
			}
		}
	}

	problem(sentence) {
		say(find("past-problem"), sentence);
		find("past-problem").hidden = sentence === "";
	}

	show(samples, deeds, seconds) {
		const to = Date.now();
		const points = samples.records.map((record) => ({ms: record.time_ns / 1e6, of: record.locality})).reverse();
		const moves = deeds.records.filter((record) => record.kind === "move");
		this.problem(samples.problem || "");
		this.chart.show(points, moves.map((record) => ({ms: record.time_ns / 1e6})), to - seconds * 1000, to);
		rows(find("past"), deeds.records.slice(0, SHOWN).map((record) => [
			make("time", {datetime: new Date(record.time_ns / 1e6).toISOString()}, moment(record.time_ns / 1e6)),
			record.kind === "move" ? outcome(record) : decision(record),
		]));
		mark(find("past-none"), "hidden", deeds.records.length ? "" : null);
	}
}
