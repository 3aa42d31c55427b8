import { useRef, useState } from "preact/hooks";

/** Part of the picture that is seen. Units: px of the picture. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Drag {
  readonly x: number;
  readonly y: number;
  readonly view: View;
  readonly pointer: number;
  moved: boolean;
}

const MIN_WIDTH = 150;
/** Below this a press is a click. Units: px. */
const SLACK = 4;
const STEP = 0.15;

/**
 * Panning with the pointer or arrow keys, zooming with wheel and buttons. `whole` is the view that shows everything. While the pointer drags,
 * the drawn picture is only shifted on the screen, whatever its size; it is drawn anew once, where the drag ends.
 */
export function useView(whole: View) {
  const [chosen, setChosen] = useState<View | undefined>(undefined);
  const drag = useRef<Drag | undefined>(undefined);
  const view = chosen ?? whole;
  const zoom = (factor: number, atX = 0.5, atY = 0.5) => {
    const width = Math.min(whole.width * 2, Math.max(MIN_WIDTH, view.width * factor));
    const height = (width * view.height) / view.width;
    setChosen({ x: view.x + (view.width - width) * atX, y: view.y + (view.height - height) * atY, width, height });
  };
  const drop = (e: PointerEvent & { currentTarget: SVGSVGElement }) => {
    const from = drag.current;
    drag.current = undefined;
    if (!from?.moved) return;
    const svg = e.currentTarget;
    const box = svg.parentElement?.getBoundingClientRect() ?? svg.getBoundingClientRect();
    const scale = Math.max(from.view.width / box.width, from.view.height / box.height);
    svg.style.transform = "";
    svg.classList.remove("panning");
    setChosen({
      ...from.view,
      x: from.view.x - (e.clientX - from.x) * scale,
      y: from.view.y - (e.clientY - from.y) * scale,
    });
  };
  return {
    view,
    zoom,
    reset: () => setChosen(undefined),
    handlers: {
      onWheel: (e: WheelEvent & { currentTarget: SVGSVGElement }) => {
        // A page with a graph in it still scrolls; zooming asks for a key, as maps do.
        if (!e.ctrlKey && !e.metaKey) return;
        e.preventDefault();
        const box = e.currentTarget.getBoundingClientRect();
        zoom(e.deltaY > 0 ? 1.15 : 0.87, (e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height);
      },
      onKeyDown: (e: KeyboardEvent) => {
        const [x, y] = ARROWS[e.key] ?? [0, 0];
        if (x === 0 && y === 0) return;
        e.preventDefault();
        setChosen({ ...view, x: view.x + x * STEP * view.width, y: view.y + y * STEP * view.height });
      },
      onPointerDown: (e: PointerEvent) => {
        if (e.isPrimary) drag.current = { x: e.clientX, y: e.clientY, view, pointer: e.pointerId, moved: false };
      },
      onPointerMove: (e: PointerEvent & { currentTarget: SVGSVGElement }) => {
        const from = drag.current;
        if (!from || e.buttons === 0) return;
        const [dx, dy] = [e.clientX - from.x, e.clientY - from.y];
        if (!from.moved && Math.hypot(dx, dy) < SLACK) return;
        const svg = e.currentTarget;
        if (!from.moved) {
          from.moved = true;
          // Only now: a captured pointer would take the click from the box below it.
          svg.setPointerCapture(from.pointer);
          svg.classList.add("panning");
        }
        svg.style.transform = `translate(${dx}px,${dy}px)`;
      },
      onPointerUp: drop,
      onPointerCancel: drop,
    },
  };
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
