export { type Dashboard, loadDashboard } from "./assets.ts";
