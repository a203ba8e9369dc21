//! Building YAML values in the order in which they are written.

/// A mapping: `map! { "key" => value, ... }`.
macro_rules! map {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "an empty mapping stays as it is made")]
        let mut mapping = serde_yaml_ng::Mapping::new();
        $(mapping.insert(serde_yaml_ng::Value::from($key), serde_yaml_ng::Value::from($value));)*
        serde_yaml_ng::Value::Mapping(mapping)
    }};
}

/// A sequence: `list![value, ...]`.
macro_rules! list {
    ($($value:expr),* $(,)?) => {
        serde_yaml_ng::Value::Sequence(vec![$(serde_yaml_ng::Value::from($value)),*])
    };
}

/// Renders a document below the line that says where it comes from.
///
/// # Errors
/// When a value cannot be written, which none made by [`map!`] is.
pub fn render(value: &serde_yaml_ng::Value) -> Result<String, serde_yaml_ng::Error> {
    Ok(format!("{}{}", crate::WRITTEN_BY, serde_yaml_ng::to_string(value)?))
}
