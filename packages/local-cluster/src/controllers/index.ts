export { type Controllers, type ControllersDeps, createControllers } from "./create-controllers.ts";
