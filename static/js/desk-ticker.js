// A worker that only ticks: browsers slow a hidden page's own timers to once a minute, and a desk must not miss an alert.

setInterval(() => postMessage("tick"), 2000);
