//! Rules that the schema itself keeps.

use meridian_proto::FILE_DESCRIPTOR_SET;
use prost_reflect::DescriptorPool;

#[test]
fn every_operation_has_a_request_and_a_response_of_its_own() {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("a descriptor set");
    let service = pool
        .get_service_by_name("meridian.v1.KeyManagement")
        .expect("the service of the AWS operations");
    for method in service.methods() {
        let operation = method.name();
        assert_eq!(method.input().name(), format!("{operation}Request"));
        assert_eq!(method.output().name(), format!("{operation}Response"));
    }
    assert_eq!(service.methods().len(), 56);
}

#[test]
fn fields_are_numbered_without_gaps_in_the_order_they_are_written() {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("a descriptor set");
    let file = pool
        .get_file_by_name("meridian/v1/kms.proto")
        .expect("the file of the AWS operations");
    for message in file.messages() {
        let numbers: Vec<_> = message
            .descriptor_proto()
            .field
            .iter()
            .map(|f| f.number())
            .collect();
        let expected: Vec<_> = (1..=numbers.len() as i32).collect();
        assert_eq!(numbers, expected, "{}", message.full_name());
    }
}
