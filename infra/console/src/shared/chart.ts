/** What every picture needs: the ECharts instance, which follows the size and the colour scheme of what it stands in. */
import { onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref } from 'vue';
import type { EChartsCoreOption, EChartsType } from 'echarts/core';

/** The colours and letters of the page, as a picture takes them. */
export interface ChartColours {
  /** By the name of the colour. */
  readonly series: Readonly<Record<string, string>>;
  readonly ink: string;
  readonly line: string;
  readonly surface: string;
  readonly font: string;
}

/** The colours of series: `swatch-1` is `--series-1` of the theme. */
const SERIES = ['present', '1', '2', '3', '4', '5', '6'];

/** Below this width of the picture letters and margins shrink; a phone held upright has less. */
const NARROW_PX = 520;

/** What ECharts says of a click on a mark. */
export interface ChartClick {
  readonly seriesIndex?: number | undefined;
  readonly dataIndex: number;
}

/** A picture in this element. `onClick` hears of clicks on marks. */
export function useChart(canvas: Ref<HTMLElement | null>, onClick: (click: ChartClick) => void = () => {}) {
  const chart = shallowRef<EChartsType | null>(null);
  const narrow = ref(false);
  const colours = shallowRef<ChartColours>(readColours());
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');
  const sizes = new ResizeObserver(([entry]) => {
    narrow.value = (entry?.contentRect.width ?? 0) < NARROW_PX;
    chart.value?.resize();
  });
  let unmounted = false;

  const onScheme = () => {
    colours.value = readColours();
  };

  onMounted(async () => {
    const { draw } = await import('./chart-draw');
    if (unmounted || !canvas.value) return;
    const drawn = draw(canvas.value);
    drawn.on('click', onClick);
    chart.value = drawn;
    sizes.observe(canvas.value);
    dark.addEventListener('change', onScheme);
  });

  onBeforeUnmount(() => {
    unmounted = true;
    sizes.disconnect();
    dark.removeEventListener('change', onScheme);
    chart.value?.dispose();
  });

  return {
    narrow,
    colours,
    still: still.matches,
    /** Draws what `option` says, and again whenever it says something else. What is no longer there leaves the picture. */
    show(option: Ref<EChartsCoreOption>): void {
      const replaceMerge = ['grid', 'xAxis', 'yAxis', 'series'];
      watch([option, chart], ([shown, drawn]) => drawn?.setOption(shown, { replaceMerge }), { flush: 'post' });
    },
  };
}

function readColours(): ChartColours {
  const style = getComputedStyle(document.documentElement);
  const named = (name: string) => style.getPropertyValue(name).trim();
  return {
    series: Object.fromEntries(SERIES.map((name) => [`swatch-${name}`, named(`--series-${name}`)])),
    ink: named('--ink-soft'),
    line: named('--line'),
    surface: named('--surface'),
    font: named('--font'),
  };
}

/** A tooltip that follows an axis, built from elements with classes: style attributes would need a wider security policy. */
export function tooltip(content: (dataIndex: number) => HTMLElement) {
  return {
    trigger: 'axis',
    confine: true,
    className: 'chart-tip',
    padding: 0,
    borderWidth: 0,
    backgroundColor: 'transparent',
    extraCssText: 'box-shadow: none',
    axisPointer: { type: 'shadow' },
    formatter: (items: TooltipItem | readonly TooltipItem[]) => {
      const item = Array.isArray(items) ? (items as readonly TooltipItem[])[0] : (items as TooltipItem);
      return content(item?.dataIndex ?? 0);
    },
  };
}

/** What ECharts hands to a tooltip's formatter, as far as it is used. */
interface TooltipItem {
  readonly dataIndex: number;
}

/** An element of a tooltip. */
export function element(tag: string, className: string, text = ''): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}
