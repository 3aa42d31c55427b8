import { useRef, useState } from "preact/hooks";

/** Part of the picture that is seen. Units: px of the picture. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const MIN_WIDTH = 150;

/** Panning with the pointer, zooming with wheel and buttons. `whole` is the view that shows everything. */
export function useView(whole: View) {
  const [chosen, setChosen] = useState<View | undefined>(undefined);
  const drag = useRef<{ readonly x: number; readonly y: number; readonly view: View } | undefined>(undefined);
  const view = chosen ?? whole;
  const zoom = (factor: number, atX = 0.5, atY = 0.5) => {
    const width = Math.min(whole.width * 2, Math.max(MIN_WIDTH, view.width * factor));
    const height = (width * view.height) / view.width;
    setChosen({ x: view.x + (view.width - width) * atX, y: view.y + (view.height - height) * atY, width, height });
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
      onPointerDown: (e: PointerEvent) => {
        drag.current = { x: e.clientX, y: e.clientY, view };
      },
      onPointerMove: (e: PointerEvent & { currentTarget: SVGSVGElement }) => {
        const from = drag.current;
        if (!from || e.buttons === 0) return;
        const box = e.currentTarget.getBoundingClientRect();
        const scale = Math.max(from.view.width / box.width, from.view.height / box.height);
        setChosen({
          ...from.view,
          x: from.view.x - (e.clientX - from.x) * scale,
          y: from.view.y - (e.clientY - from.y) * scale,
        });
      },
      onPointerUp: () => {
        drag.current = undefined;
      },
    },
  };
}
