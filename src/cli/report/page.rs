//! The page: one file that needs no other, light or dark, for eyes, keyboards, screen readers and printers.

use super::errors::Sound;
use crate::render::{html, svg};
use crate::report::Report;

const STYLE: &str = include_str!("page.css");
/// By this a page is known as a report.
pub const TITLE: &str = "<title>dyad report</title>";
/// Natural width of a figure, in pixels.
const FIGURE: u32 = 760;

/// The whole report.
#[derive(Default)]
pub struct Page {
    pub sections: Vec<Section>,
}

/// A part with a heading.
pub struct Section {
    pub id: String,
    pub title: String,
    pub lead: String,
    pub blocks: Vec<Block>,
}

/// One statement with what it gave.
pub struct Block {
    pub caption: String,
    /// Empty for figures that no statement gave.
    pub statement: String,
    /// Names of the files beside the page.
    pub files: Vec<String>,
    pub result: Result<Report, String>,
    pub sounds: Vec<Sound>,
}

impl Page {
    /// The page as text.
    pub fn html(&self, store: &str) -> String {
        let links: String =
            self.sections.iter().map(|s| format!("<li><a href=\"#{}\">{}</a></li>\n", s.id, html::escape(&s.title))).collect();
        let body: String = self.sections.iter().map(Section::html).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n{TITLE}\n<style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n<header>\n<h1>What does it hear, what does it read?</h1>\n<p>Evaluation of two-tower audio–text models, by dyad {version}. Store <code>{store}</code>. The experiments are those of Vasilakis, Bittner and Pauwels, “I can listen but cannot read: an evaluation of two-tower multimodal systems for instrument recognition”, ISMIR 2024. Intervals are percentile bootstrap intervals; a greater cosine is nearer. <code>dyad replay FILE.json</code> runs any result again.</p>\n</header>\n<nav aria-label=\"Sections\"><ul>\n{links}</ul></nav>\n<main id=\"main\">\n{body}</main>\n</body>\n</html>\n",
            version = env!("CARGO_PKG_VERSION"),
            store = html::escape(store),
        )
    }
}

impl Section {
    fn html(&self) -> String {
        let blocks: String = self.blocks.iter().map(Block::html).collect();
        format!(
            "<section id=\"{}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{}</h2>\n<p>{}</p>\n{blocks}</section>\n",
            self.id,
            html::escape(&self.title),
            html::escape(&self.lead)
        )
    }
}

impl Block {
    fn html(&self) -> String {
        let mut out = format!("<article>\n<h3>{}</h3>\n", html::escape(&self.caption));
        if !self.statement.is_empty() {
            out.push_str(&format!("<pre class=\"statement\"><code>{}</code></pre>\n", html::escape(&self.statement)));
        }
        match &self.result {
            Err(reason) => out.push_str(&format!("<p class=\"note\">Not answered: {}</p>\n", html::marked(reason))),
            Ok(report) => {
                for figure in report.figures.iter().filter(|figure| html::is_readable(figure)) {
                    let drawn = svg::svg(figure, FIGURE);
                    if !drawn.is_empty() {
                        out.push_str(&format!(
                            "<figure>\n<div class=\"drawing\" tabindex=\"0\">{drawn}</div>\n<figcaption>{}</figcaption>\n</figure>\n",
                            html::escape(svg::title(figure))
                        ));
                    }
                }
                out.push_str(&html::fragment(report));
            }
        }
        for sound in &self.sounds {
            out.push_str(&format!(
                "<figure class=\"sound\"><figcaption>{}</figcaption><audio controls preload=\"none\" src=\"{}\"></audio></figure>\n",
                html::escape(&sound.caption),
                sound.source
            ));
        }
        if !self.files.is_empty() {
            let links: Vec<String> = self.files.iter().map(|f| format!("<a href=\"{0}\">{0}</a>", html::escape(f))).collect();
            out.push_str(&format!("<p class=\"files\">{}</p>\n", links.join(" · ")));
        }
        out.push_str("</article>\n");
        out
    }
}
