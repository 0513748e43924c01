// The keyboard: one of many things is a stop for Tab, arrows go from one to the next.

/**
 * Arrows, Home, End, Page Up and Page Down among the elements that match selector in parent; across says how many are
 * beside each other.
 */
export function rove(parent, selector, across = () => 1) {
	const all = () => [...parent.querySelectorAll(selector)];

	const steps = (key) => ({ArrowDown: across(), ArrowUp: -across(), ArrowRight: 1, ArrowLeft: -1,
		PageDown: 10 * across(), PageUp: -10 * across(), Home: -Infinity, End: Infinity})[key];

	parent.addEventListener("keydown", (event) => {
		const items = all();
		const at = items.indexOf(event.target.closest(selector));
		const step = steps(event.key);
		if (at < 0 || step === undefined || event.ctrlKey || event.altKey || event.metaKey) {
			return;
		}
		event.preventDefault();
		items[Math.max(0, Math.min(items.length - 1, at + step))].focus();
	});
	parent.addEventListener("focusin", (event) => {
		const item = event.target.closest(selector);
		if (item) {
			settle(all(), item);
		}
	});
}

function settle(items, stop) {
	for (const item of items) {
		item.tabIndex = item === stop ? 0 : -1;
	}
}

/** Sees to it that one of them is a stop, after some came or went. */
export function keepStop(parent, selector) {
	const items = [...parent.querySelectorAll(selector)];
	settle(items, items.find((item) => item.tabIndex === 0 && item.dataset.roved) ?? items[0]);
	for (const item of items) {
		item.dataset.roved = "1";
	}
}

/** Keys that work wherever no text is written. */
export function everywhere(keys) {
	document.addEventListener("keydown", (event) => {
		const writes = event.target.closest("input, select, textarea");
		const act = keys[event.key];
		if (act && !event.ctrlKey && !event.altKey && !event.metaKey && (!writes || event.key === "Escape")) {
			if (act(event) !== false) {
				event.preventDefault();
			}
		}
	});
}
