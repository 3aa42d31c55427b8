/** A time in the form that a pattern asks for. Source: `strftime` and Envoy's `%3f`, `%6f`, `%9f`, `%s`. */
export function formatTime(ms: number, pattern: string | undefined, local = false): string {
  const date = new Date(ms);
  if (pattern === undefined || pattern === "") return local ? localIso(date) : date.toISOString();
  const part = local ? localPart : utcPart;
  return pattern.replaceAll(/%([1-9])?([A-Za-z%*])/g, (whole, digits: string | undefined, letter: string) => {
    if (letter === "f" || letter === "*") return fraction(date, Number(digits ?? 9));
    return digits === undefined ? (part(date, letter) ?? whole) : whole;
  });
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

function fraction(date: Date, digits: number): string {
  return String(date.getUTCMilliseconds()).padStart(3, "0").padEnd(9, "0").slice(0, digits);
}

function utcPart(date: Date, letter: string): string | undefined {
  switch (letter) {
    case "Y":
      return String(date.getUTCFullYear());
    case "y":
      return two(date.getUTCFullYear() % 100);
    case "m":
      return two(date.getUTCMonth() + 1);
    case "d":
      return two(date.getUTCDate());
    case "e":
      return String(date.getUTCDate()).padStart(2, " ");
    case "H":
      return two(date.getUTCHours());
    case "I":
      return two(date.getUTCHours() % 12 || 12);
    case "M":
      return two(date.getUTCMinutes());
    case "S":
      return two(date.getUTCSeconds());
    case "p":
      return date.getUTCHours() < 12 ? "AM" : "PM";
    case "z":
      return "+0000";
    case "Z":
      return "UTC";
    case "s":
      return String(Math.trunc(date.getTime() / 1000));
    case "a":
      return DAYS[date.getUTCDay()]?.slice(0, 3);
    case "A":
      return DAYS[date.getUTCDay()];
    case "b":
    case "h":
      return MONTHS[date.getUTCMonth()]?.slice(0, 3);
    case "B":
      return MONTHS[date.getUTCMonth()];
    case "j":
      return String(Math.trunc((date.getTime() - Date.UTC(date.getUTCFullYear(), 0)) / 86_400_000) + 1).padStart(
        3,
        "0",
      );
    case "F":
      return formatTime(date.getTime(), "%Y-%m-%d");
    case "T":
      return formatTime(date.getTime(), "%H:%M:%S");
    case "D":
      return formatTime(date.getTime(), "%m/%d/%y");
    case "R":
      return formatTime(date.getTime(), "%H:%M");
    case "n":
      return "\n";
    case "t":
      return "\t";
    case "%":
      return "%";
    default:
      return undefined;
  }
}

/** The same in the zone of the process. */
function localPart(date: Date, letter: string): string | undefined {
  if (letter === "s") return utcPart(date, letter);
  if (letter === "z") return offset(date);
  if (letter === "Z") return offset(date);
  return utcPart(new Date(date.getTime() - date.getTimezoneOffset() * 60_000), letter);
}

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.trunc(size / 60))}${two(size % 60)}`;
}

function localIso(date: Date): string {
  const zone = offset(date);
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
  return `${shifted}${zone}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
