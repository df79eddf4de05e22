/** The parts of ECharts that the pages draw with; loaded after the first figures are on the screen. */
import { BarChart, LineChart } from 'echarts/charts';
import { AxisPointerComponent, GridComponent, TooltipComponent } from 'echarts/components';
import { init, use, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

use([BarChart, LineChart, GridComponent, TooltipComponent, AxisPointerComponent, CanvasRenderer]);

/** A chart in this element; the caller disposes of it. */
export function draw(element: HTMLElement): EChartsType {
  return init(element, null, { renderer: 'canvas' });
}
