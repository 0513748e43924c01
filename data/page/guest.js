// One guest in full: its cells over the nodes, why it is as it is, its threads.
import {find, make, mark, match, rows, say} from "./dom.js";
import {row as paintRow, shares} from "./heat.js";
import {sayLocality, size} from "./guests.js";
import {Past} from "./past.js";
import {bytes, duration, home, interval, isTroubled, now, progress, set, share, thread} from "./words.js";

const KINDS = ["vcpu", "iothread", "emulator", "vhost", "helper"];

function facts(report) {
	const {guest} = report;
	return [guest.state, guest.mode, guest.class, `policy ${guest.policy || "-"}`, `pid ${guest.pid}`, size(guest)].join(", ");
}

function evidence(report, heard) {
	if (!report.sample) {
		return null;
	}
	const {sample} = report;
	const pages = sample.cells.reduce((sum, cell) => sum + cell.sampled, 0);
	const unknown = sample.cells.reduce((sum, cell) => sum + cell.unknown, 0);
	const age = report.age_ns + (Date.now() - heard) * 1e6;
	return `${sample.exhaustive ? "count" : "sample"} of ${pages} pages ${duration(1e9 * Math.round(age / 1e9))} ago, ` +
		`which cost ${duration(sample.cost_ns)} of CPU` +
		(unknown ? `; of ${share(unknown / pages)} of them nothing is known` : "");
}

function operation(report) {
	const of = report.operation;
	if (of.id === 0) {
		return null;
	}
	return `${of.id} ${of.state} after ${duration(of.elapsed_ns)}: ${bytes(of.moved_bytes)} of ${bytes(of.to_move_bytes)} moved, ` +
		`${bytes(of.stayed_bytes)} stayed, ${of.threads_bound} threads bound, ${duration(of.cpu_ns)} of CPU` +
		(of.message ? `: ${of.message}` : "");
}

function held(report) {
	const fixed = report.guest.backends.filter((backend) => ["pinned", "encrypted", "large-pages"].includes(backend.movability));
	const pins = report.guest.hold?.pins ?? [];
	if (fixed.length === 0 && pins.length === 0) {
		return null;
	}
	const by = pins.length ? ` by ${pins.join(", ")}` : "";
	return fixed.length ? `${fixed.map((backend) => `${backend.id} (${bytes(backend.bytes)})`).join(", ")} cannot be moved: ` +
		`${fixed[0].movability}${by}` : `some of its memory is pinned${by}`;
}

function remote(report) {
	const cost = report.remote_cost;
	return cost ? `${interval(cost)} of its vCPU time${cost.estimated ? ", estimated" : ""}` : null;
}

function devices(report) {
	const far = (report.device_places ?? []).filter((device) => device.far);
	return far.length ? far.map((device) => `${device.name} (${device.kind}) is on node ${device.node}, far from the guest`).join("; ") : null;
}

/** [label, sentence]; what says nothing new is left out. */
function told(report, heard) {
	const words = now(report);
	const {plan} = report;
	const actions = plan && report.guest.mode !== "off" ? plan.actions.filter((action) => action.kind === "migrate") : [];
	return [
		["Now", words],
		["Why", plan && plan.reason && !words.includes(plan.reason) ? plan.reason : null],
		...actions.map((action) => ["To do", action.reason]),
		...(plan ? plan.notes : []).map((note) => ["Note", note]),
		["Waits for other nodes", remote(report)],
		["Inside", report.inside || null],
		["Devices", devices(report)],
		["Held", held(report)],
		["Operation", operation(report)],
		["Evidence", evidence(report, heard)],
	].filter(([, text]) => text);
}

function newCell() {
	const row = make("tr", {}, make("th", {scope: "row"}), make("td"), make("td"));
	row.local = make("td", {class: "local"}, make("span"), make("span", {class: "trend"}));
	row.rest = [row.local, make("td"), make("td")];
	return row;
}

function showCell(row, cell, index, report, host) {
	const pages = report.sample?.cells[index];
	const belongs = home(report, cell.id);
	const [id, vcpus, memory] = row.cells;
	if (!row.map) {
		row.map = host.nodes.map(() => row.appendChild(make("td")));
		row.append(...row.rest);
	}
	say(id, cell.id);
	say(vcpus, cell.vcpus || "-");
	say(memory, bytes(cell.memory_bytes) + (cell.page_bytes ? ` in ${bytes(cell.page_bytes)} pages` : ""));
	paintRow({cells: row.map}, host, pages ? shares(pages.on_node) : null, belongs);
	say(row.rest[2], pages && pages.sampled ? share(pages.absent / pages.sampled) : "-");
	say(row.rest[1], belongs.length ? set(belongs) : "-");
	sayLocality(row.local, report.cell_locality?.[index] ?? null, report.cell_locality?.[index]?.trend);
}

function threadLines(report, host) {
	const samples = new Map((report.sample?.threads ?? []).map((sample) => [sample.tid, sample]));
	const node = (index) => (index >= 0 && host.nodes[index] ? `${host.nodes[index].id}` : "-");
	const order = (row) => (KINDS.indexOf(row.kind) + KINDS.length + 1) % (KINDS.length + 1);
	const ran = (sample) => sample.residency.map((part, index) => [part, node(index)]).filter(([part]) => part >= 0.005)
		.map(([part, id]) => `${id}: ${share(part)}`).join("  ") || "-";
	return [...report.guest.threads].sort((a, b) => order(a) - order(b)).map((row) => {
		const sample = samples.get(row.tid);
		return [thread(row), row.cell < 0 ? "-" : `${row.cell}`, `${row.tid}`,
			...(sample ? [node(sample.last_node), share(Math.min(1, Math.max(0, sample.busy))), sample.allowed || "-", ran(sample)]
				: ["-", "-", "-", "-"])];
	});
}

export class Guest {
	constructor() {
		this.name = null;
		this.past = new Past();
		this.key = "";
		setInterval(() => this.name !== null && this.refresh(), 1000);
	}

	open(name) {
		this.name = name;
		this.report = null;
		say(find("guest-name"), name);
		for (const id of ["cells", "told", "threads"]) {
			find(id).replaceChildren();
		}
		say(find("facts"), "");
		this.past.open(name);
	}

	close() {
		this.name = this.past.name = null;
	}

	titles(host) {
		find("cell-titles").replaceChildren(...["Cell", "vCPUs", "Memory"].map((text) => make("th", {scope: "col"}, text)),
			...host.nodes.map((node) => make("th", {scope: "col"}, make("span", {class: "word"}, "Node "), `${node.id}`)),
			...["Local", "Home", "Absent"].map((text) => make("th", {scope: "col"}, text)));
	}

	/** report: null when there is no such guest any more. */
	show(host, report, heard) {
		const gone = report === null;
		find("gone").hidden = !gone;
		find("guest-parts").hidden = gone && this.report === null;
		if (gone) {
			return;
		}
		const key = host.nodes.map((node) => node.id).join();
		if (key !== this.key) {
			this.key = key;
			find("cells").replaceChildren();
			this.titles(host);
		}
		Object.assign(this, {host, report, heard});
		say(find("facts"), facts(report));
		mark(find("told"), "data-state", isTroubled(report) ? "trouble" : null);
		match(find("cells"), report.guest.cells, (cell) => cell.id, newCell,
			(row, cell, index) => showCell(row, cell, index, report, host));
		rows(find("threads"), threadLines(report, host));
		this.refresh();
	}

	/** What changes with the time as well. */
	refresh() {
		this.past.tick();
		if (!this.report) {
			return;
		}
		match(find("told"), told(this.report, this.heard), ([label], index) => `${label} ${index}`,
			([label]) => make("div", {}, make("dt", {}, label), make("dd")),
			(line, [, text]) => say(line.children[1], text));
		const done = progress(this.report);
		find("done").hidden = done === null;
		find("done").value = done ?? 0;
	}
}
