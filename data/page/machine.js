// One host of the fleet in full: the record that it has published.
import {find, make, mark, match, say} from "./dom.js";
import {paint} from "./heat.js";
import {bytes, count, duration, share} from "./words.js";

/** The host's own page, if its record tells an address of that kind; anything else is no link. */
function page(api) {
	return /^https?:\/\//.test(api) ? `${api.replace(/\/+$/, "")}/` : null;
}

function facts(record) {
	const {counters} = record;
	const age = Math.max(0, Date.now() - record.time_ns / 1e6);
	return [record.health === "ok" ? "all checks well" : `health: ${record.health}`, count(counters.guests, "guest"),
		...(counters.problems ? [`${counters.problems} in trouble`] : []),
		...(counters.reservations ? [count(counters.reservations, "reservation")] : []),
		...(record.time_ns ? [`record of ${duration(1e9 * Math.round(age / 1000))} ago`] : [])].join(", ");
}

function told(record) {
	const largest = record.largest.map((shape) => `${count(shape.cells, "cell")}: ${count(shape.vcpus, "vCPU")}, ${bytes(shape.memory_bytes)}`);
	return [
		["Failed", record.failed.join(", ")],
		["Warning", record.warning.join(", ")],
		["Locality", record.locality === null ? "not known: no guest has been looked at" : `${share(record.locality)}, mean of its guests`],
		["Pressure", record.pressure === null ? "" : `something waited for memory ${share(record.pressure)} of the last minute`],
		["Largest guests that fit", largest.join("; ") || "none"],
		["CPUs given away", record.taken_cpus],
		["Moved so far", bytes(record.counters.moved_bytes)],
	].filter(([, text]) => text);
}

function newNode() {
	return make("tr", {}, make("th", {scope: "row"}), ...Array.from({length: 6}, () => make("td")));
}

function showNode(row, node, most) {
	const [id, room, pools, shared, dedicated, realtime, others] = row.cells;
	say(id, node.id);
	paint(room, most ? node.room_bytes / most : 0, "home", `room on node ${node.id}`);
	say(room, bytes(node.room_bytes));
	mark(room, "aria-label", `room on node ${node.id}: ${bytes(node.room_bytes)}`);
	say(pools, node.pool_room_bytes.map(bytes).join(", ") || "-");
	[shared, dedicated, realtime].forEach((cell, kind) => say(cell, node.seats[kind] ?? "-"));
	say(others, node.others_vcpus);
}

export function showMachine(record) {
	const most = Math.max(...record.nodes.map((node) => node.room_bytes));
	const own = page(record.api);
	say(find("machine-facts"), facts(record));
	mark(find("told"), "data-state", record.health === "fail" ? "trouble" : null);
	match(find("told"), told(record), ([label]) => label, ([label]) => make("div", {}, make("dt", {}, label), make("dd")),
		(line, [, text]) => say(line.children[1], text));
	match(find("machine-nodes"), record.nodes, (node) => node.id, newNode, (row, node) => showNode(row, node, most));
	find("own").hidden = own === null;
	mark(find("own"), "href", own);
}
