// What this browser calls itself: only to choose words and to tell a helper at the desk, never to decide what works.

const agent = navigator.userAgent;
const MARKS = [
  ["MicroMessenger", "微信"], ["EdgA?", "Edge"], ["FxiOS", "Firefox"], ["Firefox", "Firefox"], ["HuaweiBrowser", "华为浏览器"],
  ["MiuiBrowser", "小米浏览器"], ["UCBrowser", "UC"], ["MQQBrowser", "QQ浏览器"], ["SamsungBrowser", "Samsung"],
  ["CriOS", "Chrome"], ["Chrome", "Chrome"], ["Version", "Safari"],
];

/** "iphone", "android" or "other"; an iPad says that it is a Mac. */
export function system() {
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) return "iphone";
  return /Android/.test(agent) ? "android" : "other";
}

/** "Chrome 126 · Android 14". */
export function selfName() {
  const named = MARKS.map(([mark, name]) => [name, new RegExp(`${mark}/(\\d+)`).exec(agent)?.[1]]);
  const [name, version] = named.find(([, found]) => found) ?? ["?", ""];
  return `${name} ${version} · ${systemName()}`;
}

function systemName() {
  const [, version] = /(?:Android|OS|Mac OS X|Windows NT) ([\d._]+)/.exec(agent) ?? [];
  const name = { iphone: "iOS", android: "Android" }[system()] ?? /Windows|Mac OS|Linux/.exec(agent)?.[0] ?? "?";
  return [name, version?.replaceAll("_", ".")].filter(Boolean).join(" ");
}
