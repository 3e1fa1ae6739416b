//! An endpoint, as data.

use crate::house::House;
use axum::routing::MethodRouter;
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Makes a schema where the document is written.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// One method of one path.
pub(crate) struct Endpoint {
    /// `get`, `post`, `put`, `patch` or `delete`.
    pub(crate) method: &'static str,
    /// The path, `/api/v1/…`, with `{name}` for a part that varies.
    pub(crate) path: &'static str,
    /// Name of the operation in generated clients: `listDevices`.
    pub(crate) id: &'static str,
    /// The noun it belongs to.
    pub(crate) tag: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    /// Parameters in the path, by name, with what they mean and their pattern.
    pub(crate) path_parameters: &'static [(&'static str, &'static str, &'static str)],
    /// An object schema whose properties are the query's parameters.
    pub(crate) query: Option<Shape>,
    /// The body of the request.
    pub(crate) body: Option<Shape>,
    /// What a success answers: status, media type, schema (`None`: text).
    pub(crate) answers: Vec<(u16, &'static str, Option<Shape>)>,
    /// What does it.
    pub(crate) handler: MethodRouter<House>,
}

/// `application/json`.
pub(crate) const JSON: &str = "application/json";

impl Endpoint {
    /// A `GET` that answers 200 with `T` as JSON.
    pub(crate) fn get<T: JsonSchema>(
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
        handler: MethodRouter<House>,
    ) -> Self {
        Self::new("get", path, id, tag, summary, handler).answering::<T>(200)
    }

    /// An endpoint that answers nothing yet: see [`Self::answering`].
    pub(crate) fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
        handler: MethodRouter<House>,
    ) -> Self {
        let (path_parameters, query, body, answers): (&[_], _, _, _) = (&[], None, None, Vec::new());
        Self { method, path, id, tag, summary, path_parameters, query, body, answers, handler }
    }

    /// With these parameters in the path: name, meaning, pattern.
    pub(crate) fn at(mut self, parameters: &'static [(&'static str, &'static str, &'static str)]) -> Self {
        self.path_parameters = parameters;
        self
    }

    /// With the fields of `Q` as query parameters.
    pub(crate) fn asking<Q: JsonSchema>(mut self) -> Self {
        self.query = Some(|generator| generator.subschema_for::<Q>());
        self
    }

    /// With a JSON body.
    pub(crate) fn taking<B: JsonSchema>(mut self) -> Self {
        self.body = Some(|generator| generator.subschema_for::<B>());
        self
    }

    /// Answers `status` with `T` as JSON.
    pub(crate) fn answering<T: JsonSchema>(mut self, status: u16) -> Self {
        self.answers.push((status, JSON, Some(|generator| generator.subschema_for::<T>())));
        self
    }

    /// Answers `status` with text of `media` type.
    pub(crate) fn answering_text(mut self, status: u16, media: &'static str) -> Self {
        self.answers.push((status, media, None));
        self
    }
}
