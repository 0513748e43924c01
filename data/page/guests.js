// Nodes x guests: what a node has, and where the memory of each guest lies.
import {find, make, mark, match, say} from "./dom.js";
import {row as paintRow, shares} from "./heat.js";
import {keepStop, rove} from "./keys.js";
import {bytes, count, home, ids, interval, isMoving, isTroubled, now, progress, set, share, tone, TRENDS} from "./words.js";

const LINK = "th a";

function vcpus(guest) {
	return guest.cells.reduce((sum, cell) => sum + ids(cell.vcpus).length, 0) ||
		guest.threads.filter((thread) => thread.kind === "vcpu").length;
}

export function memory(guest) {
	return guest.cells.reduce((sum, cell) => sum + cell.memory_bytes, 0);
}

export function size(guest) {
	return `${count(vcpus(guest), "vCPU")}, ${bytes(memory(guest))}`;
}

/** vCPU time that waits for other nodes, about: what a guest loses by where it is. */
function loss(report) {
	if (!report.locality || !report.sample) {
		return -1;
	}
	const kinds = new Map(report.guest.threads.map((thread) => [thread.tid, thread.kind]));
	const busy = report.sample.threads.reduce((sum, thread) => sum + (kinds.get(thread.tid) === "vcpu" ? thread.busy : 0), 0);
	return busy * (1 - report.locality.value);
}

const ORDERS = {
	loss: (report) => -loss(report),
	local: (report) => report.locality?.value ?? 2,
	memory: (report) => -memory(report.guest),
	name: () => 0,
};

function ordered(reports, order) {
	const name = (report) => report.guest.name;
	return reports.map((report) => [ORDERS[order](report), report])
		.sort(([a, x], [b, y]) => a - b || (name(x) < name(y) ? -1 : 1))
		.map(([, report]) => report);
}

/** Pages of all cells by node, as shares; null before the first look. */
export function placed(report) {
	if (!report.sample) {
		return null;
	}
	const sums = new Array(report.sample.node_count).fill(0);
	for (const cell of report.sample.cells) {
		const bytesOf = report.guest.cells.find((of) => of.id === cell.cell)?.memory_bytes ?? 0;
		cell.on_node.forEach((pages, node) => {
			sums[node] += cell.sampled ? pages / cell.sampled * bytesOf : 0;
		});
	}
	return shares(sums);
}

/** Free bytes, those in free huge pages included. */
function available(node) {
	return node.pools.reduce((sum, pool) => sum + pool.free_pages * pool.page_bytes, node.free_bytes);
}

function measures(host, reports) {
	const sizes = [...new Set(host.nodes.flatMap((node) => node.pools.filter((pool) => pool.total_pages > 0)
		.map((pool) => pool.page_bytes)))].sort((a, b) => a - b);
	const threads = reports.flatMap((report) => (report.sample ? report.sample.threads : []));
	const busy = host.nodes.map((node, index) => {
		const cpus = ids(node.cpus).length;
		const load = threads.reduce((sum, thread) => sum + thread.busy * (thread.residency[index] ?? 0), 0);
		return cpus ? Math.min(1, load / cpus) : null;
	});
	const used = host.nodes.map((node) => (node.memory_bytes ? Math.max(0, 1 - available(node) / node.memory_bytes) : null));
	const pool = (node, size) => node.pools.find((of) => of.page_bytes === size);
	return [
		{name: "CPUs busy", title: "by the guests' threads", bars: busy},
		{name: "Memory in use", bars: used},
		{name: "Free", texts: host.nodes.map((node) => bytes(node.free_bytes))},
		...sizes.map((size) => ({name: `Free in ${bytes(size)} pages`, texts: host.nodes.map((node) => {
			const of = pool(node, size);
			return of ? bytes(of.free_pages * size) : "-";
		})})),
	];
}

function newMeasure(measure) {
	return make("tr", {}, make("th", {scope: "row", title: measure.title ?? null}, measure.name));
}

function showMeasure(row, measure) {
	const values = measure.bars ?? measure.texts;
	while (row.cells.length <= values.length) {
		row.append(make("td", {}, ...(measure.bars ? [make("span"), make("meter", {min: 0, max: 1, high: 0.95})] : [make("span")])));
	}
	values.forEach((value, index) => {
		const [text, meter] = row.cells[index + 1].children;
		say(text, measure.bars ? (value === null ? "-" : share(value)) : value);
		if (meter) {
			meter.value = value ?? 0;
			mark(meter, "aria-hidden", "true");
		}
	});
}

function newGuest(report) {
	const row = make("tr");
	const name = report.guest.name;
	row.append(make("th", {scope: "row"}, make("a", {href: `#/guest/${encodeURIComponent(name)}`, tabindex: -1, title: name}, name),
		make("span", {class: "size"}), make("span", {class: "brief", "aria-hidden": "true"})));
	row.last = {local: make("td", {class: "local"}, make("span"), make("span", {class: "trend"})), home: make("td", {class: "home"}),
		now: make("td", {class: "now"}, make("span"), make("progress", {max: 1, hidden: ""}))};
	return row;
}

export function sayLocality(cell, locality, trend) {
	const [glyph, word] = TRENDS[trend] ?? ["", ""];
	const [figure, arrow] = cell.children;
	say(figure, locality ? interval(locality) : "-");
	say(arrow, glyph);
	mark(arrow, "aria-label", word || null);
	mark(arrow, "role", word ? "img" : null);
	mark(cell, "data-tone", locality ? tone(locality.value) : null);
}

function showGuest(row, report, host) {
	const [head] = row.cells;
	const belongs = home(report);
	const words = now(report);
	if (!row.map) {
		row.map = host.nodes.map(() => row.appendChild(make("td")));
		row.append(row.last.local, row.last.home, row.last.now);
	}
	say(head.children[1], size(report.guest));
	say(head.children[2], words);
	mark(row, "data-state", isTroubled(report) ? "trouble" : isMoving(report) ? "moving" : null);
	paintRow({cells: row.map}, host, placed(report), belongs);
	sayLocality(row.last.local, report.locality, report.trend);
	say(row.last.home, belongs.length ? set(belongs) : "-");
	const [text, bar] = row.last.now.children;
	say(text, words);
	mark(row.last.now, "title", words);
	const done = progress(report);
	bar.hidden = done === null;
	bar.value = done ?? 0;
	mark(bar, "aria-label", `move of ${report.guest.name}`);
}

/** The table. Guests keep their places while it is read: they are put in order when asked, and when some come or go. */
export class Guests {
	constructor() {
		this.table = find("heat");
		this.order = [];
		this.key = "";
		this.names = "";
		rove(find("guests"), LINK);
		find("sort").addEventListener("change", () => this.arrange());
		find("filter").addEventListener("input", () => this.show(this.host, this.reports));
	}

	arrange() {
		this.names = "";
		this.show(this.host, this.reports);
	}

	columns(host) {
		const key = host.nodes.map((node) => node.id).join();
		if (key === this.key) {
			return;
		}
		this.key = key;
		this.table.style.setProperty("--nodes", host.nodes.length);
		find("nodes").replaceChildren();
		find("guests").replaceChildren();
		find("columns").replaceChildren(make("col", {class: "name"}), ...host.nodes.map(() => make("col", {class: "node"})),
			make("col", {class: "local"}), make("col", {class: "home"}), make("col", {class: "now"}));
		find("titles").replaceChildren(make("th", {scope: "col"}, "Guest"),
			...host.nodes.map((node) => make("th", {scope: "col", title: `${node.memory_kind}, CPUs ${node.cpus || "none"}`},
				make("span", {class: "word"}, "Node "), `${node.id}`)),
			make("th", {scope: "col", class: "local"}, "Local"), make("th", {scope: "col", class: "home"}, "Home"),
			make("th", {scope: "col", class: "now"}, "Now"));
	}

	arranged(reports) {
		const names = reports.map((report) => report.guest.name).sort().join("\n");
		if (names !== this.names) {
			this.names = names;
			this.order = ordered(reports, find("sort").value).map((report) => report.guest.name);
		}
		const byName = new Map(reports.map((report) => [report.guest.name, report]));
		return this.order.map((name) => byName.get(name));
	}

	show(host, reports) {
		if (!host || !reports) {
			return;
		}
		Object.assign(this, {host, reports});
		this.columns(host);
		const wanted = find("filter").value.trim().toLowerCase();
		const shown = this.arranged(reports).filter((report) => report.guest.name.toLowerCase().includes(wanted));
		match(find("nodes"), measures(host, reports), (measure) => measure.name, newMeasure, showMeasure);
		match(find("guests"), shown, (report) => report.guest.name, newGuest, (row, report) => showGuest(row, report, host));
		keepStop(find("guests"), LINK);
		const none = find("none");
		none.hidden = shown.length > 0;
		say(none, reports.length ? `No guest's name has "${wanted}" in it.` : "No guests run here, or homenode knows of none.");
	}
}
