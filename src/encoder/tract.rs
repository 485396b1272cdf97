//! Graphs on tract, the ONNX implementation in pure Rust that is part of this program.
//!
//! tract is called directly and not through `ort-tract`: behind that crate's C interface a panic of tract ends the process,
//! here it can be caught. A plan is read-only, so all threads share one.
//! Source: tract-onnx 0.23.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tract_onnx::pb;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::InferenceModel;

use super::graph::{Contract, Element, Feed, Output, Port};
use super::guard::one_line;

/// A graph that was read and not yet optimised.
pub(super) struct Model {
    model: InferenceModel,
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
}

/// A graph ready to run.
pub(super) struct Plan {
    plan: Arc<TypedSimplePlan>,
    /// The contract's input for each of the plan's inputs.
    order: Vec<usize>,
    /// Shapes of inputs, as batch and lengths, at which no step of the graph grows beyond [`LARGEST`].
    fit: Mutex<HashSet<Vec<usize>>>,
}

/// The most bytes that one step of a graph may give: a window of real models needs a fiftieth of it.
const LARGEST: u64 = 2 << 30;

impl Model {
    /// Reads the graph in `bytes`; weights in other files are not supported, since the model's hash does not cover them.
    pub fn read(mut bytes: &[u8]) -> Result<Model, String> {
        let onnx = tract_onnx::onnx();
        let proto = onnx.proto_model_for_read(&mut bytes).map_err(reason)?;
        let graph = proto.graph.as_ref().ok_or("it holds no graph")?;
        let constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let inputs = graph.input.iter().filter(|input| !constant(&input.name)).map(port).collect();
        let outputs = graph.output.iter().map(port).collect();
        let parsed = onnx.parse(&proto, None).map_err(reason)?;
        match parsed.unresolved_inputs.first() {
            Some(name) => Err(format!("no node gives `{name}`")),
            None => Ok(Model { model: parsed.model, inputs, outputs }),
        }
    }

    /// Optimises the part of the graph that the contract needs. The ports must have been checked.
    pub fn plan(mut self, contract: &Contract) -> Result<Plan, String> {
        let outlets = self.model.output_outlets().map_err(reason)?.to_vec();
        let wanted = contract.outputs.iter().filter_map(|wanted| self.outputs.iter().position(|port| port.name == wanted.name));
        let wanted: Vec<_> = wanted.filter_map(|at| outlets.get(at).copied()).collect();
        if wanted.len() != contract.outputs.len() {
            return Err("an output is missing".to_owned());
        }
        self.model.select_output_outlets(&wanted).map_err(reason)?;
        let fed = |outlet: &OutletId| {
            let name = &self.model.node(outlet.node).name;
            contract.inputs.iter().position(|wanted| wanted.name == *name)
        };
        let order = self.model.input_outlets().map_err(reason)?.iter().map(fed).collect::<Option<Vec<_>>>();
        let order = order.ok_or("an input is missing")?;
        keep_freed_memory();
        let plan = self.model.into_optimized().and_then(|model| model.into_runnable()).map_err(reason)?;
        Ok(Plan { plan, order, fit: Mutex::default() })
    }
}

impl Plan {
    pub fn run(&self, batch: usize, feeds: &[Feed]) -> Result<Vec<Output>, String> {
        self.check_sizes(batch, feeds)?;
        let mut inputs = TVec::new();
        for &at in &self.order {
            let tensor = match feeds.get(at) {
                Some(Feed::F32(values)) => Tensor::from_shape(&[batch, values.len() / batch.max(1)], values),
                Some(Feed::I64(values)) => Tensor::from_shape(&[batch, values.len() / batch.max(1)], values),
                None => return Err("an input is missing".to_owned()),
            };
            inputs.push(tensor.map_err(reason)?.into_tvalue());
        }
        let outputs = self.plan.run(inputs).map_err(reason)?;
        outputs
            .iter()
            .map(|tensor| {
                let view = tensor.to_plain_array_view::<f32>().map_err(reason)?;
                Ok((tensor.shape().to_vec(), view.iter().copied().collect()))
            })
            .collect()
    }
}

impl Plan {
    /// The size of every step's result, from the shapes of the inputs. A shape that only a run can tell counts as nothing.
    fn check_sizes(&self, batch: usize, feeds: &[Feed]) -> Result<(), String> {
        let length = |feed: &Feed| match feed {
            Feed::F32(values) => values.len() / batch.max(1),
            Feed::I64(values) => values.len() / batch.max(1),
        };
        let lengths = self.order.iter().map(|&at| feeds.get(at).map_or(0, length));
        let shapes: Vec<usize> = std::iter::once(batch).chain(lengths).collect();
        let lock = || self.fit.lock().unwrap_or_else(PoisonError::into_inner);
        if lock().contains(&shapes) {
            return Ok(());
        }
        let model = self.plan.model();
        let mut symbols = SymbolValues::default();
        for (input, length) in model.inputs.iter().zip(shapes.iter().skip(1)) {
            let fact = model.outlet_fact(*input).map_err(reason)?;
            for (dim, value) in fact.shape.iter().zip([batch, *length]) {
                if let TDim::Sym(symbol) = dim {
                    symbols.set(symbol, i64::try_from(value).unwrap_or(i64::MAX));
                }
            }
        }
        for node in &model.nodes {
            for fact in node.outputs.iter().map(|output| &output.fact) {
                let known = fact.shape.iter().map(|dim| dim.eval(&symbols).to_i64().ok()).collect::<Option<Vec<_>>>();
                let size = fact.datum_type.size_of() as u64;
                let bytes = known.iter().flatten().try_fold(size, |all, &n| all.checked_mul(u64::try_from(n).unwrap_or(0)));
                if known.is_some() && bytes.is_none_or(|bytes| bytes > LARGEST) {
                    return Err(format!("its step `{}` gives more than {LARGEST} bytes", node.name));
                }
            }
        }
        lock().insert(shapes);
        Ok(())
    }
}

/// Keeps the C library from handing a run's buffers back to the system, to be faulted in again page by page by the next run.
///
/// A run frees tens of megabytes. glibc hands free memory back above a threshold, which it raises to twice the largest block
/// that was freed, of 32 MiB at most: so one such block, never touched, is taken and freed. On the bundled model that saves
/// 9,500 page faults and 15 ms a clip. Where the threshold was set by hand, and in other C libraries, it does nothing.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
}

fn port(info: &pb::ValueInfoProto) -> Port {
    let kind = info.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let tensor = kind.map(|pb::type_proto::Value::TensorType(tensor)| tensor);
    let element = match tensor.map_or(0, |tensor| tensor.elem_type) {
        1 => Element::F32,
        7 => Element::I64,
        other => Element::Other(format!("numbers of ONNX type {other}")),
    };
    let dims = tensor.and_then(|tensor| tensor.shape.as_ref()).map_or(&[][..], |shape| &shape.dim);
    let open = |dim: &pb::tensor_shape_proto::Dimension| match dim.value {
        Some(pb::tensor_shape_proto::dimension::Value::DimValue(size)) => usize::try_from(size).ok(),
        _ => None,
    };
    Port { name: info.name.clone(), element, shape: dims.iter().map(open).collect() }
}

/// The outermost and the innermost cause; the chain between them names tract's own steps.
fn reason(error: impl Into<TractError>) -> String {
    let error: TractError = error.into();
    let (outer, root) = (error.to_string(), error.root_cause().to_string());
    one_line(&if outer == root { outer } else { format!("{outer}: {root}") })
}
