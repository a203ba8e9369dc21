//! Parameters as Stripe wants them: form-encoded, nested by brackets.

/// Parameters in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// No parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same with an entry of our metadata.
    #[must_use]
    pub fn metadata(self, name: &str, value: impl ToString) -> Self {
        self.with(&format!("metadata[{name}]"), value)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a body or a query string.
    #[must_use]
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn brackets_and_foreign_characters_are_encoded() {
        let form = Form::new().with("amount", 100).metadata("job_id", "ä&b=c");
        assert_eq!(form.encode(), "amount=100&metadata%5Bjob_id%5D=%C3%A4%26b%3Dc");
        assert!(Form::new().is_empty() && Form::new().encode().is_empty());
    }
}
