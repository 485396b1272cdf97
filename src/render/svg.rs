//! A figure as SVG, for a page: drawn by plotters, in colours that follow the page.
//!
//! Text and axes take the page's own colour (`currentColor`), so that a figure fits a light and a dark page; series are blue
//! and orange, which colour-blind readers tell apart. No script, no font and no file from elsewhere is named.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::{Estimate, Figure};

/// Stands for the page's colour until the SVG is done.
const INK: RGBColor = RGBColor(1, 2, 3);
/// Stands for a faint page colour.
const GRID: RGBColor = RGBColor(1, 2, 4);
const SERIES: [RGBColor; 4] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];
const TEXT: i32 = 13;
/// Widest label at an axis, in characters; longer ones are cut.
const LONGEST: usize = 28;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The figure as an `<svg>` element, `width` pixels wide by nature and scaled by the page. Empty when there is nothing to draw.
pub fn svg(figure: &Figure, width: u32) -> String {
    let mut text = String::new();
    let drawn = match figure {
        Figure::Bars { bars, unit, .. } => {
            draw(&mut text, (width, 60 + 26 * bars.len() as u32), |area| bars_on(area, bars, unit))
        }
        Figure::Histogram { edges, series, unit, .. } => {
            draw(&mut text, (width, 300), |area| histogram_on(area, edges, series, unit))
        }
        Figure::Heat { rows, columns, values, counts, .. } => {
            let height = 30 + 26 * rows.len() as u32 + 7 * longest(columns) as u32;
            draw(&mut text, (width, height), |area| heat_on(area, rows, columns, values, *counts))
        }
    };
    if drawn.is_err() { String::new() } else { dressed(text, title(figure)) }
}

/// The figure's title.
pub fn title(figure: &Figure) -> &str {
    match figure {
        Figure::Bars { title, .. } | Figure::Histogram { title, .. } | Figure::Heat { title, .. } => title,
    }
}

fn draw(text: &mut String, size: (u32, u32), on: impl FnOnce(&Area<'_>) -> Drawn) -> Drawn {
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    on(&area)?;
    area.present()?;
    Ok(())
}

/// Page colours in place of the stand-ins, a title for screen readers, and a width that the page decides.
fn dressed(svg: String, title: &str) -> String {
    let start = svg.find("<svg").unwrap_or(0);
    let body = svg[start..]
        .replace("\"#010203\"", "\"currentColor\"")
        .replace("stroke=\"#010204\"", "stroke=\"currentColor\" stroke-opacity=\"0.15\"")
        .replace("fill=\"#010204\"", "fill=\"currentColor\" fill-opacity=\"0.15\"");
    let title = super::html::escape(title);
    let size =
        |name: &str| body.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("0").to_owned();
    let (width, height) = (size("width"), size("height"));
    let open = format!(
        "<svg role=\"img\" aria-label=\"{title}\" viewBox=\"0 0 {width} {height}\" font-family=\"inherit\" xmlns=\"http://www.w3.org/2000/svg\" style=\"max-width:{width}px;width:100%;height:auto\">"
    );
    let inside = body.find('>').map_or("", |end| &body[end + 1..]);
    format!("{open}{}", inside.trim_start())
}

fn longest(labels: &[String]) -> usize {
    labels.iter().map(|l| l.chars().count().min(LONGEST)).max().unwrap_or(0)
}

fn cut(label: &str) -> String {
    match label.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &label[..at]),
        None => label.to_owned(),
    }
}

fn style(h: HPos, v: VPos) -> TextStyle<'static> {
    ("sans-serif", TEXT).into_font().color(&INK).pos(Pos::new(h, v))
}

/// A number for an axis or a bar's end.
fn number(x: f64) -> String {
    if x == x.trunc() && x.abs() < 1e6 {
        format!("{x:.0}")
    } else {
        format!("{x:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// Horizontal bars with their intervals; from 0, or from the least value where some are below.
fn bars_on(area: &Area<'_>, bars: &[(String, Estimate)], unit: &str) -> Drawn {
    let ends = bars.iter().flat_map(|(_, e)| [Some(e.value), e.low, e.high]).flatten().filter(|x| x.is_finite());
    let (low, high) = ends.fold((0.0f64, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
    if bars.is_empty() || high <= low {
        return Err("nothing to draw".into());
    }
    let labels: Vec<String> = bars.iter().map(|(name, _)| name.clone()).collect();
    let left = 16 + 8 * longest(&labels) as u32;
    let room = (high - low) * 1.12;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(48)
        .x_label_area_size(34)
        .y_label_area_size(left)
        .build_cartesian_2d(low..low + room, 0.0..bars.len() as f64)?;
    mesh(&mut chart, unit)?;
    for (i, (name, estimate)) in bars.iter().enumerate() {
        let y = (bars.len() - 1 - i) as f64;
        let value = if estimate.value.is_finite() { estimate.value } else { 0.0 };
        chart.draw_series([Rectangle::new([(0.0, y + 0.18), (value, y + 0.82)], SERIES[0].filled())])?;
        if let (Some(l), Some(h)) = (estimate.low, estimate.high) {
            let line = |from: (f64, f64), to: (f64, f64)| PathElement::new(vec![from, to], INK.stroke_width(1));
            chart.draw_series([
                line((l, y + 0.5), (h, y + 0.5)),
                line((l, y + 0.35), (l, y + 0.65)),
                line((h, y + 0.35), (h, y + 0.65)),
            ])?;
        }
        let end = chart.plotting_area().map_coordinate(&(value.max(estimate.high.unwrap_or(value)), y + 0.5));
        let shown = if estimate.value.is_finite() { number(estimate.value) } else { "undefined".to_owned() };
        area.draw(&Text::new(shown, (end.0 + 6, end.1), style(HPos::Left, VPos::Center)))?;
        let start = chart.plotting_area().map_coordinate(&(low, y + 0.5));
        area.draw(&Text::new(cut(name), (start.0 - 8, start.1), style(HPos::Right, VPos::Center)))?;
    }
    Ok(())
}

type Chart<'a, 'b> =
    ChartContext<'b, SVGBackend<'a>, Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>>;

fn mesh(chart: &mut Chart<'_, '_>, unit: &str) -> Drawn {
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .y_labels(0)
        .x_labels(6)
        .x_label_formatter(&|x| number(*x))
        .x_desc(unit)
        .axis_style(INK.stroke_width(1))
        .light_line_style(GRID.mix(0.0))
        .bold_line_style(GRID.stroke_width(1))
        .label_style(("sans-serif", TEXT).into_font().color(&INK))
        .draw()?;
    Ok(())
}

/// Series as shares of their own totals, overlaid.
fn histogram_on(area: &Area<'_>, edges: &[f64], series: &[(String, Vec<f64>)], unit: &str) -> Drawn {
    let shares: Vec<Vec<f64>> = series
        .iter()
        .map(|(_, counts)| {
            let total: f64 = counts.iter().sum();
            counts.iter().map(|c| if total > 0.0 { c / total } else { 0.0 }).collect()
        })
        .collect();
    let used = |i: usize| shares.iter().any(|s| s.get(i).is_some_and(|&x| x > 0.0));
    let bins = edges.len().saturating_sub(1);
    let (Some(first), Some(last)) = ((0..bins).find(|&i| used(i)), (0..bins).rev().find(|&i| used(i))) else {
        return Err("nothing to draw".into());
    };
    let highest = shares.iter().flatten().copied().fold(0.0, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(20)
        .x_label_area_size(40)
        .y_label_area_size(48)
        .build_cartesian_2d(edges[first]..edges[last + 1], 0.0..highest)?;
    chart
        .configure_mesh()
        .x_labels(8)
        .y_labels(5)
        .x_label_formatter(&|x| number(*x))
        .y_label_formatter(&|y| number(*y))
        .x_desc(unit)
        .y_desc("share")
        .axis_style(INK.stroke_width(1))
        .light_line_style(GRID.mix(0.0))
        .bold_line_style(GRID.stroke_width(1))
        .label_style(("sans-serif", TEXT).into_font().color(&INK))
        .draw()?;
    for (which, (share, (name, _))) in shares.iter().zip(series).enumerate() {
        let color = SERIES[which % SERIES.len()];
        let bars = (first..=last).filter(|&i| share.get(i).is_some_and(|&x| x > 0.0));
        chart.draw_series(bars.map(|i| Rectangle::new([(edges[i], 0.0), (edges[i + 1], share[i])], color.mix(0.55).filled())))?;
        let (right, top) = chart.plotting_area().map_coordinate(&(edges[last + 1], highest));
        let y = top + 8 + 18 * which as i32;
        area.draw(&Rectangle::new([(right - 14, y), (right - 2, y + 12)], color.mix(0.75).filled()))?;
        area.draw(&Text::new(cut(name), (right - 20, y + 6), style(HPos::Right, VPos::Center)))?;
    }
    Ok(())
}

/// Rows × columns. Counts are shaded by their part of the row; shares by themselves, and a zero among them is written.
fn heat_on(area: &Area<'_>, rows: &[String], columns: &[String], values: &[Vec<f64>], counts: bool) -> Drawn {
    if rows.is_empty() || columns.is_empty() {
        return Err("nothing to draw".into());
    }
    let (width, height) = area.dim_in_pixel();
    let (left, top) = (12 + 8 * longest(rows) as i32, 12 + 7 * longest(columns) as i32);
    let cell_w = (width as i32 - left - 8) / columns.len() as i32;
    let cell_h = (height as i32 - top - 8) / rows.len() as i32;
    for (r, name) in rows.iter().enumerate() {
        let y = top + cell_h * r as i32;
        area.draw(&Text::new(cut(name), (left - 8, y + cell_h / 2), style(HPos::Right, VPos::Center)))?;
        let row = values.get(r).map(Vec::as_slice).unwrap_or_default();
        let total: f64 = if counts { row.iter().filter(|x| x.is_finite()).sum() } else { 1.0 };
        for (c, &value) in row.iter().enumerate().take(columns.len()) {
            let x = left + cell_w * c as i32;
            let share = if total > 0.0 && value.is_finite() { (value / total).clamp(0.0, 1.0) } else { 0.0 };
            let place = [(x, y), (x + cell_w - 1, y + cell_h - 1)];
            area.draw(&Rectangle::new(place, GRID.stroke_width(1)))?;
            if share > 0.0 {
                area.draw(&Rectangle::new(place, SERIES[0].mix(0.15 + 0.6 * share).filled()))?;
            }
            if share > 0.0 || (!counts && value.is_finite()) {
                area.draw(&Text::new(number(value), (x + cell_w / 2, y + cell_h / 2), style(HPos::Center, VPos::Center)))?;
            }
        }
    }
    for (c, name) in columns.iter().enumerate() {
        let x = left + cell_w * c as i32 + cell_w / 2;
        let upright = style(HPos::Right, VPos::Center).transform(FontTransform::Rotate90);
        area.draw(&Text::new(cut(name), (x, top - 6), upright))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_the_page_and_name_nothing_elsewhere() {
        let bars = vec![
            ("<violin> & co".to_owned(), Estimate::interval("top1", 0.5, 0.4, 0.6)),
            ("b".into(), Estimate::point("x", f64::NAN)),
        ];
        let heat = Figure::Heat {
            title: "h".into(),
            rows: vec!["a".into()],
            columns: vec!["b".into()],
            values: vec![vec![3.0]],
            counts: true,
        };
        let series = vec![("p".to_owned(), vec![1.0, 2.0]), ("n".to_owned(), vec![3.0, 0.0])];
        let histogram = Figure::Histogram { title: "t".into(), unit: "cosine".into(), edges: vec![-1.0, 0.0, 1.0], series };
        for figure in [Figure::Bars { title: "a \"b\"".into(), unit: String::new(), bars }, heat, histogram] {
            let text = svg(&figure, 700);
            assert!(text.starts_with("<svg role=\"img\"") && text.trim_end().ends_with("</svg>"), "{text}");
            assert!(text.contains("currentColor") && !text.contains("#01020"), "{text}");
            assert!(!text.replace("http://www.w3.org/2000/svg", "").contains("http"), "{text}");
            assert!(!text.contains("<violin>"));
        }
    }

    #[test]
    fn shares_are_shaded_by_themselves_and_counts_by_their_row() {
        let heat = |values: Vec<Vec<f64>>, counts: bool| {
            let names = |n: usize| (0..n).map(|i| format!("n{i}")).collect();
            svg(&Figure::Heat { title: "h".into(), rows: names(values.len()), columns: names(2), values, counts }, 700)
        };
        let shade = |share: f64| format!("opacity=\"{}\"", 0.15 + 0.6 * share);
        let counts = heat(vec![vec![3.0, 1.0], vec![0.0, 0.0]], true);
        assert!(counts.contains(&shade(0.75)) && counts.contains(&shade(0.25)) && !counts.contains(">\n0\n<"), "{counts}");
        // Few clips are counts still.
        let ones = heat(vec![vec![1.0, 1.0], vec![0.0, 1.0]], true);
        assert!(ones.contains(&shade(0.5)) && !ones.contains(">\n0\n<"), "{ones}");
        let shares = heat(vec![vec![0.5, 0.25], vec![0.0, 1.0]], false);
        assert!(shares.contains(&shade(0.5)) && shares.contains(&shade(0.25)) && shares.contains(">\n0\n<"), "{shares}");
    }

    #[test]
    fn nothing_to_draw_is_no_figure() {
        assert_eq!(svg(&Figure::Bars { title: String::new(), unit: String::new(), bars: vec![] }, 100), "");
        let empty = Figure::Histogram { title: String::new(), unit: String::new(), edges: vec![], series: vec![] };
        assert_eq!(svg(&empty, 100), "");
    }

    #[test]
    fn a_title_stays_in_its_attribute() {
        let bars = vec![("a".to_owned(), Estimate::point("n", 1.0))];
        let text = svg(&Figure::Bars { title: "\"x\" <y> & 'z'\u{1b}".into(), unit: String::new(), bars }, 700);
        assert!(text.contains("aria-label=\"&quot;x&quot; &lt;y&gt; &amp; &#39;z&#39;\\u{1b}\" viewBox"), "{text}");
    }
}
