// A cell of a heat map: how much of something lies on a node. The figure is there as well as the colour.
import {make, mark, say} from "./dom.js";
import {share as percent} from "./words.js";

/**
 * share: 0 to 1, null unknown. kind: "home" and "away" where it is known where it belongs, else "plain".
 * An empty place where something belongs is outlined.
 */
export function paint(cell, share, kind, label) {
	cell.className = "heat";
	mark(cell, "data-kind", kind);
	cell.style.setProperty("--share", share === null ? 0 : Math.min(1, share).toFixed(3));
	say(cell, share === null ? "?" : share === 0 ? "·" : percent(share));
	mark(cell, "aria-label", `${label}: ${share === null ? "unknown" : percent(share)}${kind === "home" ? ", home" : ""}`);
}

/** Of a node among the ids where it belongs. */
export function kindOf(node, home) {
	return home.length === 0 ? "plain" : home.includes(node) ? "home" : "away";
}

/** Counts of pages by node as shares of those that were found. */
export function shares(counts) {
	const all = counts.reduce((sum, count) => sum + count, 0);
	return counts.map((count) => (all ? count / all : null));
}

export function row(element, host, values, home) {
	while (element.cells.length < host.nodes.length) {
		element.append(make("td"));
	}
	host.nodes.forEach((node, index) => {
		paint(element.cells[index], values ? values[index] ?? null : null, kindOf(node.id, home), `node ${node.id}`);
	});
}
